"""ResizeMix: a whole image is made small and pasted into another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from torch.nn.functional import interpolate

from genmix_da.classify.augmentations.mixing import PairMixing, mates, mixed_weights
from genmix_da.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Resizemix(PairMixing):
    """The partner, resized by t ~ U(smallest, largest), covers a uniformly drawn place.

    Qin et al., "ResizeMix: Mixing Data with Preserved Object Information and True Labels", arXiv
    2012.11101, 2020: t from 0.1 to 0.8; the label weight of the pasted image is its area. One t and
    one place a batch.

    Attributes:
        smallest, largest: of the pasted side as a share of the image's.

    Raises:
        UserError: an option is out of range.
    """

    name: ClassVar[str] = "resizemix"

    smallest: float = 0.1
    largest: float = 0.8

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("smallest", 0, 1)
        self._require("largest", 0, 1)
        if self.smallest > self.largest:
            raise UserError(
                f"resizemix: smallest is {self.smallest:g}, more than largest {self.largest:g}."
            )

    def mix(
        self, images: Tensor, weights: Tensor, draw: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """See the class."""
        height, width = images.shape[-2:]
        scale = draw.uniform(self.smallest, self.largest)
        rows, columns = max(round(scale * height), 1), max(round(scale * width), 1)
        top = int(draw.integers(height - rows + 1))
        left = int(draw.integers(width - columns + 1))
        # In float32: antialiasing has no kernel for half precision on the CPU.
        partner = mates(images).float()
        small = interpolate(partner, (rows, columns), mode="bilinear", antialias=True)
        mixed = images.clone()
        mixed[:, :, top : top + rows, left : left + columns] = small
        return mixed, mixed_weights(weights, 1.0 - rows * columns / (height * width))
