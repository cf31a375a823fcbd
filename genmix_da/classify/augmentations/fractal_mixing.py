"""Mixing a picture with fractals, label unchanged: what PixMix and IPMix share.

Both mix with "structurally complex" pictures; the sets they used are not free to be shipped, so the
mixing set is this package's own fractals, or a folder of the user's.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genmix_da.augment.compose import fractal_source
from genmix_da.augment.fractals import FractalSource
from genmix_da.augment.settings import AugmentSettings
from genmix_da.classify.augmentations.base import Augmentation

Pixels = NDArray[np.uint8]
Values = NDArray[np.float32]

_LEVELS = np.arange(256, dtype=np.float32) / np.float32(255)
# x^b with b < 0 is infinite at 0; from here it is large and finite, and the result is clipped.
_SMALLEST = np.float32(1e-37)


@dataclass(frozen=True, kw_only=True)
class FractalMixing(Augmentation):
    """Has a mixing set.

    Attributes:
        beta: of the Beta distributions that the mixing weights come from; larger is weaker.
        severity: of the image operations, 10 is their full range.
        fractals: a folder of pictures to mix with; None: our own fractals.

    Raises:
        UserError: an option is out of range, or the folder holds no picture.
    """

    beta: float = 3.0
    severity: float = 3.0
    fractals: str | None = None

    def __post_init__(self) -> None:
        self._require("beta", 1e-3)
        self._require("severity", 0, 10)

    @property
    def settings(self) -> dict[str, Any]:
        """Options, and what the mixing set is."""
        return super().settings | {"mixing_set": self.source.fingerprint()}

    @cached_property
    def source(self) -> FractalSource:
        """The mixing set."""
        source = fractal_source(AugmentSettings(fractals=self.fractals))
        assert source is not None  # lambda is not 0
        return source


def values(pixels: Pixels) -> Values:
    """Bytes as numbers in [0, 1]."""
    return _LEVELS[pixels]


def to_bytes(mixed: Values) -> Pixels:
    """Numbers in [0, 1] as bytes, rounded."""
    rounded: Pixels = np.rint(mixed * np.float32(255)).astype(np.uint8)
    return rounded


def mixing_exponents(beta: float, draw: np.random.Generator) -> tuple[np.float32, np.float32]:
    """The weights (a, b) of PixMix: a near 1, b near 0; half of the time b is negative."""
    if draw.random() < 0.5:
        return np.float32(draw.beta(beta, 1.0)), np.float32(draw.beta(1.0, beta))
    return np.float32(1.0 + draw.beta(1.0, beta)), np.float32(-draw.beta(1.0, beta))


def add(first: Values, second: Pixels, beta: float, draw: np.random.Generator) -> Values:
    """a x + b y of values centred at grey, clipped to [0, 1]."""
    a, b = mixing_exponents(beta, draw)
    # ((2x - 1) a + (2y - 1) b + 1) / 2
    table = b * _LEVELS + (np.float32(1) - a - b) / np.float32(2)
    return _clipped(a * first + table[second])


def multiply(first: Values, second: Pixels, beta: float, draw: np.random.Generator) -> Values:
    """(2x)^a (2y)^b / 2, clipped to [0, 1]."""
    a, b = mixing_exponents(beta, draw)
    table = np.maximum(_LEVELS, _SMALLEST) ** b * np.float32(2) ** (a + b - np.float32(1))
    return _clipped(np.maximum(first, _SMALLEST) ** a * table[second])


def _clipped(mixed: Values) -> Values:
    return np.clip(mixed, np.float32(0), np.float32(1), out=mixed)
