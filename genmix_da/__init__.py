"""GenMix-DA: GenMix augmentation and LEAD adaptation, from images to a number that can be trusted.

import genmix_da
result = genmix_da.adapt(src="Ar", tgt="Cl", setting="opda")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genmix_da import classify as classify
    from genmix_da.adaptation.run import adapt as adapt
    from genmix_da.adaptation.run import train_source_model as train_source_model

__version__ = "0.1.0"
_PUBLIC = {"adapt": "genmix_da.adaptation.run", "train_source_model": "genmix_da.adaptation.run"}
__all__ = ["__version__", "adapt", "classify", "train_source_model"]


def __getattr__(name: str) -> Any:
    # torch takes seconds to import; `genmix-da --help` must not wait for it.
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    if name == "classify":
        return import_module("genmix_da.classify")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
