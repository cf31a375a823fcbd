"""Blocks of an image put where its mask shows them, at the least way."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn.functional import pixel_shuffle, pixel_unshuffle


@cache
def way_costs(cells: int) -> NDArray[np.float64]:
    """Squared distances between the cells of a grid, the grid's side being 1: [n^2, n^2]."""
    places = np.stack(np.divmod(np.arange(cells**2), cells), 1) / max(cells - 1, 1)
    return np.asarray(((places[:, None] - places[None]) ** 2).sum(-1))


def plan(saliency: NDArray[np.float64], shown: NDArray[np.bool_], cost: float) -> NDArray[np.int64]:
    """Which block comes to each place.

    Kim, Choo and Song, "Puzzle Mix", ICML 2020, equation 8: of all permutations the one with the
    least cost of ways minus saliency at places that are shown. The authors approach it in rounds;
    here it is the exact assignment (scipy's), so that no place stays empty.

    Args:
        saliency: of blocks, [n, n], sums to 1.
        shown: places where the mask shows the image, [n, n].
        cost: of a way across the image, along one side.

    Returns:
        Index of the block for each place, [n^2].
    """
    costs = cost * way_costs(len(saliency)) - saliency.reshape(-1, 1) * shown.reshape(1, -1)
    blocks, places = linear_sum_assignment(costs)
    found = np.empty(len(blocks), dtype=np.int64)
    found[places] = blocks
    return found


def moved(images: Tensor, plans: NDArray[np.int64]) -> Tensor:
    """Images [B, 3, S, S] with their blocks as the plans [B, n^2] say; n divides S."""
    side = images.shape[-1] // int(plans.shape[1] ** 0.5 + 0.5)
    blocks = pixel_unshuffle(images, side)
    flat = blocks.flatten(2)
    order = torch.from_numpy(plans).to(images.device)[:, None].expand_as(flat)
    return pixel_shuffle(flat.gather(2, order).view_as(blocks), side)
