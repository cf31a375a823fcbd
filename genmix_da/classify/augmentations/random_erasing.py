"""Random erasing: a box of the picture is painted over."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from genmix_da.classify.augmentations.base import Augmentation
from genmix_da.errors import UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FILLS = ("random", "mean")
# A box that does not fit is drawn again; after so many the picture stays whole.
_TRIES = 10


@dataclass(frozen=True, kw_only=True)
class RandomErasing(Augmentation):
    """A box is painted over; labels stay.

    Zhong, Zheng, Kang, Li and Yang, "Random Erasing Data Augmentation", AAAI 2020. Share of the
    area and ratio of the sides are drawn as torchvision draws them (its defaults): the area evenly,
    the ratio evenly in its logarithm. The paper's largest share on CIFAR is 0.4.

    Attributes:
        probability: of a view to lose a box.
        smallest, largest: share of the picture's area.
        flattest, tallest: height by width of the box.
        fill: "random", each value drawn evenly from 0 to 255, the paper's best; or "mean", the
            value that the network's input is centred at.

    Raises:
        UserError: an option is out of range.
    """

    name: ClassVar[str] = "random-erasing"

    probability: float = 0.5
    smallest: float = 0.02
    largest: float = 0.33
    flattest: float = 0.3
    tallest: float = 3.3
    fill: str = "random"

    def __post_init__(self) -> None:
        self._require("probability", 0, 1)
        self._require("largest", 0, 1)
        self._require("smallest", 0, self.largest)
        self._require("tallest", 1e-3, 1e3)
        self._require("flattest", 1e-3, self.tallest)
        if self.fill not in _FILLS:
            raise UserError(
                f"random-erasing has no fill {self.fill!r}; choose one of {', '.join(_FILLS)}."
            )

    def picture(self, pixels: NDArray[np.uint8], draw: np.random.Generator) -> NDArray[np.uint8]:
        """See the class."""
        if draw.random() >= self.probability:
            return pixels
        box = self.box(pixels.shape[0], pixels.shape[1], draw)
        if box is None:
            return pixels
        erased = np.array(pixels, order="C")
        erased[box] = self._painted(erased[box].shape, draw)
        return erased

    def box(self, height: int, width: int, draw: np.random.Generator) -> tuple[slice, slice] | None:
        """Rows and columns that are erased in a picture; None where none of ten boxes fits."""
        lowest, highest = math.log(self.flattest), math.log(self.tallest)
        for _ in range(_TRIES):
            area = height * width * draw.uniform(self.smallest, self.largest)
            ratio = math.exp(draw.uniform(lowest, highest))
            rows, columns = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
            if rows < height and columns < width:
                top = int(draw.integers(height - rows + 1))
                left = int(draw.integers(width - columns + 1))
                return slice(top, top + rows), slice(left, left + columns)
        return None

    def _painted(self, shape: tuple[int, ...], draw: np.random.Generator) -> NDArray[np.uint8]:
        if self.fill == "random":
            return draw.integers(0, 256, shape, dtype=np.uint8)
        mean = np.round(255 * np.array(self.setup.preprocessing.mean))
        return np.broadcast_to(mean.astype(np.uint8), shape)
