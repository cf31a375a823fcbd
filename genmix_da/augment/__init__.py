"""GenMix: generative augmentation of labelled images (arXiv 2412.02366).

from genmix_da.augment import AugmentSettings, augment_folder
augment_folder("photos", "photos-genmix", AugmentSettings(prompts="domain", per_image=2))
"""

from genmix_da.augment.encoders import resolve_encoder
from genmix_da.augment.pipeline import Augmented, augment_domain, augment_folder
from genmix_da.augment.selection import Selection, select_edits
from genmix_da.augment.settings import AugmentSettings
from genmix_da.augment.transform import GenMixDataset, GenMixTransform
from genmix_da.augment.wrapped import GenMix, GenMixed

__all__ = [
    "AugmentSettings",
    "Augmented",
    "GenMix",
    "GenMixDataset",
    "GenMixTransform",
    "GenMixed",
    "Selection",
    "augment_domain",
    "augment_folder",
    "resolve_encoder",
    "select_edits",
]
