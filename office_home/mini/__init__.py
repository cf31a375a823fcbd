"""Mini Office-Home: a drawn stand-in for the Office-Home benchmark, made offline in seconds.

24 of the 65 classes, drawn procedurally in four styles named after the benchmark's domains. The
four domains share the objects' geometry and differ in how they are rendered. The images are
synthetic: results on them say nothing about results on the real photographs.
"""

from .catalogue import GENERATOR_VERSION, MINI_CLASSES, MINI_DOMAINS, MINI_SPLITS, counts
from .generate import draw, is_intact, make
from .sheet import contact_sheet

__all__ = [
    "GENERATOR_VERSION",
    "MINI_CLASSES",
    "MINI_DOMAINS",
    "MINI_SPLITS",
    "contact_sheet",
    "counts",
    "draw",
    "is_intact",
    "make",
]
