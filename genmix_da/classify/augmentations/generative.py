"""GenMix and DiffuseMix: they change the training set, so nothing is left to do to a batch.

Which settings of GenMix each fixes stands in `GENMIX_PRESETS`; edits and compositions are made by
genmix_da.augment.training_set.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from genmix_da.classify.augmentations.base import Augmentation


@dataclass(frozen=True, kw_only=True)
class Genmix(Augmentation):
    """Edits that stay faithful, joined with their originals at smooth seams, fractals blended in.

    "GenMix: Effective Data Augmentation with Generative Diffusion Model Image Editing", arXiv
    2412.02366, 2024, Eq. 2 to 5: lambda 0.2, seam width 20 pixels, masks: both seams, flipped,
    PatchSwap.
    """

    name: ClassVar[str] = "genmix"


@dataclass(frozen=True, kw_only=True)
class Diffusemix(Augmentation):
    """Every edit, joined with its original at a hard seam through the middle, lambda 0.2.

    Islam et al., "DiffuseMix: Label-Preserving Data Augmentation with Diffusion Models", CVPR 2024:
    GenMix without selection, smooth seams and PatchSwap.
    """

    name: ClassVar[str] = "diffusemix"
