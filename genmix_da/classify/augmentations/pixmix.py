"""PixMix: a picture is mixed several times with fractals or with versions of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from genmix_da.classify.augmentations.fractal_mixing import (
    FractalMixing,
    add,
    multiply,
    to_bytes,
    values,
)
from genmix_da.classify.augmentations.operations import PIXMIX_OPERATIONS, changed

_MIXES = (add, multiply)


@dataclass(frozen=True, kw_only=True)
class Pixmix(FractalMixing):
    """Start with x or a version of it; then 0 to k times mix in a fractal or a version of x.

    Hendrycks et al., "PixMix: Dreamlike Pictures Comprehensively Improve Safety Measures", CVPR
    2022, Algorithm 1: k = 4, beta = 3, severity 3; the two ways of mixing, adding and multiplying,
    have equal chance, and so have fractal and version. One fractal a picture. The paper's mixing
    set has feature visualisations too; ours is fractals alone.

    Attributes:
        rounds: k.
    """

    name: ClassVar[str] = "pixmix"

    rounds: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("rounds", 0, 100)

    def picture(self, pixels: NDArray[np.uint8], draw: np.random.Generator) -> NDArray[np.uint8]:
        """See the class."""
        original = np.ascontiguousarray(pixels)
        height, width = pixels.shape[:2]
        _, fractal = self.source.window(height, width, draw)
        mixed = values(self._version(original, draw) if draw.random() < 0.5 else original)
        for _ in range(int(draw.integers(self.rounds + 1))):
            other = self._version(original, draw) if draw.random() < 0.5 else fractal
            mixed = _MIXES[int(draw.integers(2))](mixed, other, self.beta, draw)
        return to_bytes(mixed)

    def _version(self, original: NDArray[np.uint8], draw: np.random.Generator) -> NDArray[np.uint8]:
        return changed(original, PIXMIX_OPERATIONS, self.severity, draw)
