"""IPMix: chains of image operations and of patches mixed with a fractal, blended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from genmix_da.classify.augmentations.fractal_mixing import (
    FractalMixing,
    Values,
    add,
    multiply,
    to_bytes,
    values,
)
from genmix_da.classify.augmentations.operations import IPMIX_OPERATIONS, Pixels, changed

# Sides of patches as shares of the image's: 4, 8, 16 and 32 of the 32 pixels of CIFAR. The whole
# image is the paper's pixel level, the smaller ones its patch level.
_PATCHES = (1 / 8, 1 / 4, 1 / 2, 1)


def _by_pixel(first: Values, second: Pixels, beta: float, draw: np.random.Generator) -> Values:
    """Every pixel from one or the other; the chance is drawn."""
    own = draw.random((*first.shape[:2], 1), dtype=np.float32) < draw.random()
    return np.where(own, first, values(second))


def _by_element(first: Values, second: Pixels, beta: float, draw: np.random.Generator) -> Values:
    """Every channel of every pixel from one or the other; the chance is drawn."""
    own = draw.random(first.shape, dtype=np.float32) < draw.random()
    return np.where(own, first, values(second))


_MIXES = (add, multiply, _by_pixel, _by_element)


@dataclass(frozen=True, kw_only=True)
class Ipmix(FractalMixing):
    """(1 - m) x + m sum_i w_i chain_i(x), w ~ Dirichlet(1), m ~ Beta(1, 1).

    A chain is, with equal chance, 0 to t image operations, or 0 to t times a patch mixed with the
    same patch of a fractal: added, multiplied, or taken from it at random pixels or channels.
    Huang et al., "IPMix: Label-Preserving Data Augmentation Method for Training Robust
    Classifiers", NeurIPS 2023: k = 3, t = 3, beta = 3, severity 3. The Jensen-Shannon term that the
    authors' code adds is left out, as for AugMix.

    Attributes:
        chains: k.
        depth: t.
    """

    name: ClassVar[str] = "ipmix"

    chains: int = 3
    depth: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("chains", 1, 100)
        self._require("depth", 0, 100)

    def picture(self, pixels: NDArray[np.uint8], draw: np.random.Generator) -> NDArray[np.uint8]:
        """See the class."""
        original = np.ascontiguousarray(pixels)
        height, width = pixels.shape[:2]
        _, fractal = self.source.window(height, width, draw)
        weights = draw.dirichlet(np.ones(self.chains)).astype(np.float32)
        share = np.float32(draw.beta(1.0, 1.0))
        mixed = (np.float32(1) - share) * values(original)
        for weight in weights:
            steps = int(draw.integers(self.depth + 1))
            if draw.random() < 0.5:
                chain = values(self._operations(original, steps, draw))
            else:
                chain = self._patches(original, fractal, steps, draw)
            mixed += share * weight * chain
        # A sum of shares may be above 1 by a rounding error.
        return to_bytes(np.minimum(mixed, np.float32(1)))

    def _operations(self, original: Pixels, steps: int, draw: np.random.Generator) -> Pixels:
        """Image level."""
        picture = original
        for _ in range(steps):
            picture = changed(picture, IPMIX_OPERATIONS, self.severity, draw)
        return picture

    def _patches(
        self, original: Pixels, fractal: Pixels, steps: int, draw: np.random.Generator
    ) -> Values:
        """Patch and pixel level."""
        mixed = values(original)
        for _ in range(steps):
            place = self._place(original.shape[0], original.shape[1], draw)
            mix = _MIXES[int(draw.integers(len(_MIXES)))]
            mixed[place] = mix(mixed[place], fractal[place], self.beta, draw)
        return mixed

    @staticmethod
    def _place(height: int, width: int, draw: np.random.Generator) -> tuple[slice, slice]:
        """A square of a drawn size, or half of the time a rectangle inside such a square."""
        size = _PATCHES[int(draw.integers(len(_PATCHES)))]
        sides = [max(round(size * length), 1) for length in (height, width)]
        corner = [
            int(draw.integers(length - side + 1))
            for length, side in zip((height, width), sides, strict=True)
        ]
        if draw.random() < 0.5:
            sides = [int(draw.integers(min(2, side), side + 1)) for side in sides]
        rows, columns = (slice(at, at + side) for at, side in zip(corner, sides, strict=True))
        return rows, columns
