"""The names of the mini benchmark: classes, domains, splits and how many images each has."""

from __future__ import annotations

import hashlib

from .objects_home import HOME
from .objects_kitchen import KITCHEN
from .objects_office import OFFICE
from .objects_personal import PERSONAL
from .parts import ObjectSpec

# Any change that alters a single pixel must raise this number: it is part of every seed, and
# `make` replaces sets on disk that carry another one.
GENERATOR_VERSION: int = 1

OBJECTS: dict[str, ObjectSpec] = {**KITCHEN, **OFFICE, **HOME, **PERSONAL}

MINI_CLASSES: tuple[str, ...] = tuple(sorted(OBJECTS))

MINI_DOMAINS: tuple[str, ...] = ("Art", "Clipart", "Product", "Real World")

# (shared, source-private, target-private) counts over the sorted classes.
MINI_SPLITS: dict[str, tuple[int, int, int]] = {
    "opda": (6, 3, 15),
    "osda": (10, 0, 14),
    "pda": (10, 14, 0),
}

FEWEST, MOST = 32, 48


def seed_of(*labels: str | int) -> int:
    """A 128-bit seed that depends on the labels and on `GENERATOR_VERSION`, and nothing else."""
    text = "\x1f".join(str(label) for label in (GENERATOR_VERSION, *labels))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")


def counts() -> dict[str, dict[str, int]]:
    """Number of images per domain and class, mildly uneven as in a collected dataset.

    Returns:
        Domain name -> class name -> a number from 32 to 48, the same on every call.
    """
    return {
        domain: {
            name: FEWEST + seed_of("count", domain, name) % (MOST - FEWEST + 1)
            for name in MINI_CLASSES
        }
        for domain in MINI_DOMAINS
    }


def check_names(domain: str, name: str) -> None:
    """Raises ValueError, in one sentence, unless both names exist."""
    if domain not in MINI_DOMAINS:
        raise ValueError(f"Unknown domain {domain!r}; choose one of {', '.join(MINI_DOMAINS)}.")
    if name not in OBJECTS:
        raise ValueError(f"Unknown class {name!r}; choose one of {', '.join(MINI_CLASSES)}.")
