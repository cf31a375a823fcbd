"""Puzzle Mix: blocks of two images are chosen and moved so that most of what is salient shows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, pad

from genmix_da.classify.augmentations.block_cut import LABELS, cut_labels
from genmix_da.classify.augmentations.block_transport import moved, plan
from genmix_da.classify.augmentations.mixing import (
    BetaMixing,
    like,
    mates,
    mixed_weights,
    pixels_of,
)
from genmix_da.classify.augmentations.network_mixing import NetworkMixing, gradient_saliency, shares
from genmix_da.errors import UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCKS = (2, 4, 8, 16)
# Pixels along a side over which colours at the borders of blocks are averaged, at most.
_AVERAGED = 4
# Smoothness is given for the finest grid and weighs less the finer the grid is.
_FINEST = 16
_TINY = 1e-8
# As the authors': costs are whole numbers of 1/1000 of a block.
_PRECISION = 1000


def block_counts(side: int) -> tuple[int, ...]:
    """Numbers of blocks along a side of so many pixels: those of 2, 4, 8, 16 that divide it."""
    return tuple(count for count in BLOCKS if side % count == 0)


def border_costs(pixels: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """How much colours differ across the borders of blocks, where each side shows either image.

    Args:
        pixels: [B, 3, S, S] in [0, 1], of which the partner is `mates`.
        count: n of blocks along a side.

    Returns:
        Mean absolute differences to the block below [2, 2, B, n - 1, n] and to the right
        [2, 2, B, n, n - 1]; first index: the upper or left block shows the partner (0) or the image
        itself (1); second index: the same of the other block.
    """
    block = pixels.shape[-1] // count
    step = next(size for size in range(min(_AVERAGED, block), 0, -1) if block % size == 0)
    coarse, k = avg_pool2d(pixels, step), block // step
    shown = (mates(coarse), coarse)

    def down(upper: Tensor, lower: Tensor) -> Tensor:
        gaps = (upper[:, :, :-1] - lower[:, :, 1:])[:, :, k - 1 :: k]
        return avg_pool2d(gaps.abs().mean(1), (1, k))

    def right(left: Tensor, other: Tensor) -> Tensor:
        gaps = (left[..., :-1] - other[..., 1:])[..., k - 1 :: k]
        return avg_pool2d(gaps.abs().mean(1), (k, 1))

    return (
        torch.stack([torch.stack([down(a, b) for b in shown]) for a in shown]),
        torch.stack([torch.stack([right(a, b) for b in shown]) for a in shown]),
    )


@dataclass(frozen=True, kw_only=True)
class Puzzlemix(NetworkMixing, BetaMixing):
    """x = z P_a x_a + (1 - z) P_b x_b: a mask z of blocks and, for each image, their new places.

    Kim, Choo and Song, "Puzzle Mix: Exploiting Saliency and Local Statistics for Optimal Mixup",
    ICML 2020, with the settings of the authors' code for CIFAR-100. Saliency is the size of the
    gradient of the unmixed batch's loss. The number of blocks is drawn from 2, 4, 8 and 16 along a
    side, l ~ Beta(alpha, alpha), alpha 1. z is 0, 1/2 or 1 a block and of least cost: saliency that
    is covered, smoothness of z (beta) also where colours go together (gamma), and the prior of l
    (eta). Then blocks change places, see `block_transport.plan`. Labels weigh the mean of z.

    What is solved by approximation there (swaps of two labels, rounds of transport) is solved
    exactly here, and the adversarial variant is left out. Only numbers of blocks that divide the
    image's side are drawn. Where none does, the last row and column take no part: they are mixed by
    the mask of the blocks beside them.

    Attributes:
        beta: smoothness of the mask.
        gamma: share of that which depends on colours, 0 to 1.
        eta: weight of the prior.
        transport_cost: of a way across the image (the paper's epsilon); the larger, the nearer
            blocks stay.
        transport_cells: blocks that are moved, along a side: as many as the mask has, or this many
            where that is a finer grid that divides both. 8 is the published 4 pixels of 32; 0 moves
            blocks of the mask alone.

    Raises:
        UserError: an option is out of range.
    """

    name: ClassVar[str] = "puzzlemix"

    beta: float = 1.2
    gamma: float = 0.5
    eta: float = 0.2
    transport_cost: float = 0.8
    transport_cells: int = 8

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("beta", 0, 100)
        self._require("gamma", 0, 1)
        self._require("eta", 0, 10)
        self._require("transport_cost", 0, 1000)
        self._require("transport_cells", 0, _FINEST)

    def mix_seen(
        self, network: nn.Module, images: Tensor, weights: Tensor, draw: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """See the class.

        Raises:
            UserError: the images are not square, or of one pixel.
        """
        height, side = images.shape[-2:]
        if height != side or side < 2:
            raise UserError(f"puzzlemix needs square images, not {height} by {side} pixels.")
        whole = side if block_counts(side) else side - 1  # a side that no count divides is odd
        counts = block_counts(whole)
        share, count = self._share(draw), counts[int(draw.integers(len(counts)))]
        saliency = gradient_saliency(network, images, weights)[:, :whole, :whole]
        part = images[..., :whole, :whole]
        mask = self.mask(saliency, pixels_of(part.float(), self.setup.preprocessing), count, share)
        first, second = self._transported(part, saliency, mask)
        large = interpolate(mask[:, None], whole, mode="nearest").to(images.dtype)
        puzzle = large * first + (1 - large) * second
        if whole < side:
            large = pad(large, (0, 1, 0, 1), mode="replicate")
            rest = large * images + (1 - large) * mates(images)
            rest[..., :whole, :whole] = puzzle
            puzzle = rest
        weight = large.flatten(1).double().mean(1)
        return like(puzzle, images), mixed_weights(weights, weight)

    def mask(self, saliency: Tensor, pixels: Tensor, count: int, share: float) -> Tensor:
        """z of least cost, equation 6 of the paper.

        Args:
            saliency: [B, S, S].
            pixels: [B, 3, S, S] in [0, 1].
            count: n of blocks along a side; divides S.
            share: l, of the image itself.

        Returns:
            [B, n, n] of 0, 1/2 and 1, on the device of `saliency`.
        """
        own = shares(avg_pool2d(saliency, saliency.shape[-1] // count)).double()
        beta = self.beta / count / _FINEST
        down, right = (beta * self.gamma * gaps for gaps in border_costs(pixels.double(), count))
        # A block's part of the cost of its borders is half of what they cost with either image.
        own_cost, mate_cost = own.clone(), mates(own).clone()
        # Showing the image covers its partner, and the other way round.
        for cost, image in ((mate_cost, 1), (own_cost, 0)):
            cost[:, :-1] += down[image].sum(0) / 2
            cost[:, 1:] += down[:, image].sum(0) / 2
            cost[:, :, :-1] += right[image].sum(0) / 2
            cost[:, :, 1:] += right[:, image].sum(0) / 2
        shown = [1 - label / (LABELS - 1) for label in range(LABELS)]
        chances = (share**2, 2 * share * (1 - share), (1 - share) ** 2)
        prior = [-self.eta * math.log(chance + _TINY) / count**2 for chance in chances]
        unary = torch.stack(
            [
                z * mate_cost + (1 - z) * own_cost + constant
                for z, constant in zip(shown, prior, strict=True)
            ],
            -1,
        )
        below, beside = (_array(_smoothness(gaps, beta)) for gaps in (down, right))
        labels = cut_labels(_array(unary), below, beside, _PRECISION * count**2)
        return 1 - torch.from_numpy(labels).to(saliency) / (LABELS - 1)

    def _transported(self, images: Tensor, saliency: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """The images and their partners with blocks where the mask [B, n, n] shows them."""
        count, side = mask.shape[-1], images.shape[-1]
        finer = self.transport_cells > count and self.transport_cells % count == 0
        cells = self.transport_cells if finer and side % self.transport_cells == 0 else count
        fine = interpolate(mask[:, None], cells, mode="nearest")[:, 0]
        own = shares(avg_pool2d(saliency, side // cells)).double()
        cost = self.transport_cost
        first = _plans(_array(own), _array(fine > 0), cost)
        second = _plans(_array(mates(own)), _array(fine < 1), cost)
        return moved(images, first), moved(mates(images), second)


def _smoothness(gaps: Tensor, beta: float) -> Tensor:
    """Cost of a border with two images beside it, more than with one: see `border_costs`."""
    # Below 0 only for what is no picture: differences of values in [0, 1] are at most 1.
    return (beta + (gaps[1, 0] + gaps[0, 1] - gaps[1, 1] - gaps[0, 0]) / 2).clamp_min(0.0)


def _plans(
    saliency: NDArray[np.float64], shown: NDArray[np.bool_], cost: float
) -> NDArray[np.int64]:
    return np.stack([plan(*pair, cost) for pair in zip(saliency, shown, strict=True)])


def _array(tensor: Tensor) -> NDArray[Any]:
    return np.asarray(tensor.cpu().numpy())
