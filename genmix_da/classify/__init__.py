"""General classification: does GenMix beat the augmentation used now, and at what price?

import genmix_da
result = genmix_da.classify.train(data="photos", augment="genmix")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genmix_da.classify.attack_run import attack as attack
    from genmix_da.classify.run import train as train

_PUBLIC = {"train": "genmix_da.classify.run", "attack": "genmix_da.classify.attack_run"}
__all__ = ["attack", "train"]


def __getattr__(name: str) -> Any:
    # Names of methods are looked up without torch, which takes seconds to import.
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
