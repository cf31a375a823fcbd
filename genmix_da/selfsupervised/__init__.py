"""Self-supervised pre-training with GenMix, and probes of what it has learned.

import genmix_da
run = genmix_da.selfsupervised.train(data="photos", method="moco-v2", augment="genmix")
genmix_da.selfsupervised.probe(run.folder, data="photos")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genmix_da.selfsupervised.probe_run import probe as probe
    from genmix_da.selfsupervised.run import train as train

_PUBLIC = {
    "train": "genmix_da.selfsupervised.run",
    "probe": "genmix_da.selfsupervised.probe_run",
}
__all__ = ["probe", "train"]


def __getattr__(name: str) -> Any:
    # Names are looked up without torch, which takes seconds to import.
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
