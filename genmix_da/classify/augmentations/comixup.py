"""Co-Mixup: every output shows blocks of several images, and no two outputs the same ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d, interpolate

from genmix_da.classify.augmentations.diverse_masks import Weights, diverse_masks
from genmix_da.classify.augmentations.mixing import like
from genmix_da.classify.augmentations.network_mixing import NetworkMixing, gradient_saliency, shares
from genmix_da.classify.augmentations.swap_moves import swap_step
from genmix_da.errors import UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Pixels along a side over which saliency is averaged to find where an image is most salient.
_PEAK = 8


def compatibility(saliency: Tensor, omega: float) -> NDArray[np.float64]:
    """A of the paper: images count as alike that are salient far from one another.

    Args:
        saliency: [n, S, S].
        omega: weight of distances, 0 to 1; 0 gives the unit matrix.

    Returns:
        (1 - omega) I + omega D, D the distances along rows plus columns, scaled to the sum n.
    """
    count, side = len(saliency), saliency.shape[-1]
    smooth = avg_pool2d(saliency[:, None], min(_PEAK, side), 1)[:, 0]
    places = np.stack(np.divmod(smooth.flatten(1).argmax(1).cpu().numpy(), smooth.shape[-1]), 1)
    apart = np.abs(places[:, None] - places[None]).sum(-1).astype(np.float64)
    total = apart.sum()
    return (1 - omega) * np.eye(count) + (omega * count / total * apart if total else 0.0)


@dataclass(frozen=True, kw_only=True)
class Comixup(NetworkMixing):
    """As many mixtures as images, their masks chosen together; labels weigh what is shown.

    Kim, Choo, Jeong and Song, "Co-Mixup: Saliency Guided Joint Mixup with Supermodular Diversity",
    ICLR 2021, with the settings of the authors' code. Saliency is the size of the gradient of the
    unmixed batch's loss; see `diverse_masks` for what is chosen. Cuts are by swaps of two labels,
    as the authors', by PyMaxflow (the extra "comixup"). The loss of the unmixed images that they
    add is left out: the other methods have no loss of their own.

    Attributes:
        beta: smoothness of masks; published 0.16 to 1.
        gamma: diversity.
        eta: weight of the prior.
        alpha: of the prior's Dirichlet distribution.
        threshold: tau, how much of an image the other outputs show before that has a price;
            published 0.81 to 0.86.
        omega: weight of compatibility, 0 to 1.
        part: images that are mixed with one another; a larger batch is divided.
        cells: blocks along a side; they differ by a pixel where the side is no multiple.
        rounds: over all outputs of a part, at most.

    Raises:
        UserError: an option is out of range, the images have too few pixels for the blocks, or
            PyMaxflow is not installed.
    """

    name: ClassVar[str] = "comixup"

    beta: float = 0.32
    gamma: float = 1.0
    eta: float = 0.05
    alpha: float = 2.0
    threshold: float = 0.83
    omega: float = 0.001
    part: int = 20
    cells: int = 4
    rounds: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        for option in ("beta", "gamma", "eta", "threshold"):
            self._require(option, 0, 1000)
        self._require("alpha", 1e-3)
        self._require("omega", 0, 1)
        self._require("part", 1, 10_000)
        self._require("cells", 2, 64)
        self._require("rounds", 1, 100)
        if self.cells > self.setup.image_size:
            raise UserError(
                f"comixup: {self.cells} cells do not fit into {self.setup.image_size} pixels."
            )
        swap_step()  # a missing package is said before anything runs

    def mix_seen(
        self, network: nn.Module, images: Tensor, weights: Tensor, draw: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """See the class."""
        saliency = gradient_saliency(network, images, weights)
        mixed, labels = [], []
        for start in range(0, len(images), self.part):
            rows = slice(start, start + self.part)
            masks = self.masks(saliency[rows], draw).to(images.device)
            large = interpolate(masks, images.shape[-2:], mode="nearest")
            mixed.append(torch.einsum("oihw,ichw->ochw", large.to(images.dtype), images[rows]))
            labels.append(large.mean((2, 3)).to(weights) @ weights[rows])
        return like(torch.cat(mixed), images), torch.cat(labels)

    def masks(self, saliency: Tensor, draw: np.random.Generator) -> Tensor:
        """Shares of n images in n outputs.

        Args:
            saliency: [n, S, S].
            draw: of prior and start.

        Returns:
            [n outputs, n images, cells, cells] on the CPU; sums to 1 over images.
        """
        blocks = shares(adaptive_avg_pool2d(saliency[:, None], self.cells)[:, 0]).double()
        weights = Weights(
            beta=self.beta,
            gamma=self.gamma,
            eta=self.eta,
            alpha=self.alpha,
            threshold=self.threshold,
            rounds=self.rounds,
        )
        near = compatibility(saliency, self.omega)
        found = diverse_masks(blocks.cpu().numpy(), near, weights, draw)
        return torch.from_numpy(np.moveaxis(found, -1, 1).copy()).float()
