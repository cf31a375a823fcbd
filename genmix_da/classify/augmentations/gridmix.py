"""GridMix: every cell of a grid comes from one image or the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from genmix_da.classify.augmentations.mixing import BetaMixing, joined, mixed_weights
from genmix_da.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor


def grid_mask(cells: NDArray[np.bool_], height: int, width: int) -> NDArray[np.bool_]:
    """Cells [n, n] spread over [H, W]; they differ by at most a pixel where n does not divide."""
    rows = np.arange(height) * len(cells) // height
    columns = np.arange(width) * len(cells) // width
    return cells[rows[:, None], columns[None, :]]


@dataclass(frozen=True, kw_only=True)
class Gridmix(BetaMixing):
    """Each cell is the image's own with chance l ~ Beta(alpha, alpha), else its partner's.

    Baek, Bang and Shim, "GridMix: Strong regularization through local context mapping", Pattern
    Recognition 109, 2021. The label weight is the share of the area that is the image's own. The
    paper's second loss, on the label of every cell, is left out: it needs a head of its own, and
    the other methods have none. The grid's size is ours, not the paper's. One mask a batch.

    Attributes:
        cells: along each side.

    Raises:
        UserError: an option is out of range, or the image has fewer pixels than cells.
    """

    name: ClassVar[str] = "gridmix"

    cells: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("cells", 2)
        if self.cells > self.setup.image_size:
            raise UserError(
                f"gridmix: {self.cells} cells do not fit into {self.setup.image_size} pixels."
            )

    def mix(
        self, images: Tensor, weights: Tensor, draw: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """See the class."""
        share = self._share(draw)
        own = grid_mask(draw.random((self.cells, self.cells)) < share, *images.shape[-2:])
        mask = torch.from_numpy(own).to(images.device)
        return joined(images, mask), mixed_weights(weights, float(own.mean()))
