"""GenMix-DA: GenMix augmentation and LEAD adaptation, from images to a number that can be trusted.

import genmix_da
result = genmix_da.adapt(src="Ar", tgt="Cl", setting="opda")
model = genmix_da.load_model(result.folder)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genmix_da import classify as classify
    from genmix_da import selfsupervised as selfsupervised
    from genmix_da.adaptation.run import adapt as adapt
    from genmix_da.adaptation.run import train_source_model as train_source_model
    from genmix_da.adaptation.tables.make import table as table
    from genmix_da.augment.pipeline import augment_folder as augment_folder
    from genmix_da.reporting.page import write_report as report
    from genmix_da.use.evaluate import evaluate as evaluate
    from genmix_da.use.loading import load_model as load_model
    from genmix_da.use.predict import predict as predict

__version__ = "0.1.0"
# Name -> module, and the name there.
_PUBLIC = {
    "adapt": ("genmix_da.adaptation.run", "adapt"),
    "train_source_model": ("genmix_da.adaptation.run", "train_source_model"),
    "augment_folder": ("genmix_da.augment.pipeline", "augment_folder"),
    "load_model": ("genmix_da.use.loading", "load_model"),
    "predict": ("genmix_da.use.predict", "predict"),
    "evaluate": ("genmix_da.use.evaluate", "evaluate"),
    "table": ("genmix_da.adaptation.tables.make", "table"),
    "report": ("genmix_da.reporting.page", "write_report"),
}
__all__ = [
    "__version__",
    "adapt",
    "augment_folder",
    "classify",
    "evaluate",
    "load_model",
    "predict",
    "report",
    "selfsupervised",
    "table",
    "train_source_model",
]


def __getattr__(name: str) -> Any:
    # torch takes seconds to import; `genmix-da --help` must not wait for it.
    if name in _PUBLIC:
        module, own = _PUBLIC[name]
        return getattr(import_module(module), own)
    if name in ("classify", "selfsupervised"):
        return import_module(f"genmix_da.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
