"""GenMix: generative augmentation of labelled images (arXiv 2412.02366).

from genmix_da.augment import AugmentSettings, augment_folder
augment_folder("photos", "photos-genmix", AugmentSettings(prompts="domain", per_image=2))
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genmix_da.augment.encoders import resolve_encoder as resolve_encoder
    from genmix_da.augment.pipeline import Augmented as Augmented
    from genmix_da.augment.pipeline import augment_domain as augment_domain
    from genmix_da.augment.pipeline import augment_folder as augment_folder
    from genmix_da.augment.selection import Selection as Selection
    from genmix_da.augment.selection import select_edits as select_edits
    from genmix_da.augment.settings import AugmentSettings as AugmentSettings
    from genmix_da.augment.transform import GenMixDataset as GenMixDataset
    from genmix_da.augment.transform import GenMixTransform as GenMixTransform
    from genmix_da.augment.wrapped import GenMix as GenMix
    from genmix_da.augment.wrapped import GenMixed as GenMixed

# Name -> its module, loaded when it is asked for: the transform needs torchvision, which takes a
# second to import, and a run without augmentation asks for the settings alone.
_HOME = {
    "AugmentSettings": "settings",
    "Augmented": "pipeline",
    "GenMix": "wrapped",
    "GenMixDataset": "transform",
    "GenMixTransform": "transform",
    "GenMixed": "wrapped",
    "Selection": "selection",
    "augment_domain": "pipeline",
    "augment_folder": "pipeline",
    "resolve_encoder": "encoders",
    "select_edits": "selection",
}
__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
