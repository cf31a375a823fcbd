"""Co-Mixup's masks: which image each block of each output shows, chosen for all outputs together.

Kim, Choo, Jeong and Song, "Co-Mixup: Saliency Guided Joint Mixup with Supermodular Diversity", ICLR
2021, equation 2 and algorithm 1: saliency that is shown, smooth masks, and a price for outputs that
show the same images. The price is supermodular; one output after the other it is replaced by what
it is with the others as they are, and what remains is a cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from genmix_da.classify.augmentations.swap_moves import swapped_labels

_Floats = NDArray[np.float64]
# Blocks that show two images in equal parts cost so much less than their mean: the authors' value.
_SOFT_BONUS = 5e-4
# Of a border of such a block with one of its images; (1/2)^2.
_SOFT_BORDER = 0.25
_TINY = 1e-8
_STILL = 1e-6
# Images of an output that may be mixed within a block.
_SOFT_AMONG = 3


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Of the terms, as in the paper; those of sums over blocks are for the mean.

    Attributes:
        beta: smoothness.
        gamma: price of showing what other outputs show.
        eta: prior.
        alpha: of the prior's Dirichlet distribution.
        threshold: tau, blocks' worth of an image in other outputs from which on that has a price.
        rounds: over all outputs, at most.
    """

    beta: float
    gamma: float
    eta: float
    alpha: float
    threshold: float
    rounds: int


def diverse_masks(
    saliency: _Floats, compatibility: _Floats, weights: Weights, draw: np.random.Generator
) -> _Floats:
    """Masks of as many outputs as there are images.

    Args:
        saliency: of blocks, [n, h, w], sums to 1 for each image.
        compatibility: A of the paper, [n, n].
        weights: of the terms.
        draw: of the prior and the first masks.

    Returns:
        [n, h, w, n]: for each output and block the share of every image, 0, 1/2 or 1.
    """
    count, *shape = saliency.shape
    blocks = shape[0] * shape[1]
    beta, gamma = weights.beta / blocks, weights.gamma / blocks
    prior = np.log(draw.dirichlet(np.full(count, weights.alpha)) + _TINY)
    costs = np.moveaxis(-saliency, 0, -1) - weights.eta / blocks * prior
    masks = np.eye(count)[draw.integers(0, count, (count, *shape))]
    price = np.zeros((count, count))  # of images in outputs, once outputs that are alike are parted
    last = _objective(costs, masks, beta, gamma)
    for turn in range(weights.rounds):
        for output in range(count):
            others = masks.sum((0, 1, 2)) - masks[output].sum((0, 1))
            near = compatibility @ others
            dear = np.where(near > weights.threshold * blocks, 2 * gamma * near, 0.0)
            masks[output] = _cheapest(
                costs + dear + gamma * price[output], masks[output], beta, soft=turn > 0
            )
        if turn == weights.rounds - 2:
            price = parted(masks.sum((1, 2)) > 0)
        now = _objective(costs, masks, beta, gamma)
        if abs(last - now) < _STILL * abs(now):
            break
        last = now
    return masks


def _objective(costs: _Floats, masks: _Floats, beta: float, gamma: float) -> float:
    """What is watched for standing still: without threshold and compatibility, as the authors'."""
    steps = (np.diff(masks, axis=1) ** 2).sum() + (np.diff(masks, axis=2) ** 2).sum()
    counts = masks.sum((1, 2))
    alike = (counts.sum(0) ** 2).sum() - (counts**2).sum()
    return float((costs * masks).sum() + beta / 2 * steps + gamma * alike)


def _cheapest(costs: _Floats, mask: _Floats, beta: float, *, soft: bool) -> _Floats:
    """The mask [h, w, n] of least cost; with `soft` blocks may show two of its images at once.

    Args:
        costs: [h, w, n].
        mask: what it is now, [h, w, n].
        beta: smoothness.
        soft: whether halves are looked for.
    """
    count = costs.shape[-1]
    shown = mask.sum((0, 1))
    among = np.sort(np.argsort(-shown, kind="stable")[:_SOFT_AMONG])
    among = among[shown[among] > 0]
    labels = np.eye(count)
    halves = [np.isin(np.arange(count), pair) / 2 for pair in combinations(among, 2) if soft]
    if halves:
        labels = np.concatenate([labels, halves])
    unary = costs @ labels.T
    unary[..., count:] -= _SOFT_BONUS
    found = swapped_labels(np.ascontiguousarray(unary), beta * borders(labels))
    return np.asarray(labels[found])


def borders(labels: _Floats) -> _Floats:
    """Cost of a border between labels: 1, less where one is half of the other.

    Args:
        labels: shares of the images, [L, n].

    Returns:
        [L, L].
    """
    half = (labels.max(1) < 1)[:, None]
    related = (labels @ labels.T > 0) & (half != half.T)
    apart = np.where(related, _SOFT_BORDER, 1.0)
    np.fill_diagonal(apart, 0.0)
    return apart


def parted(shown: NDArray[np.bool_]) -> _Floats:
    """Price of images in outputs that show the same images, so that the two turn apart.

    Args:
        shown: [outputs, images].

    Returns:
        [outputs, images], 1 at the first image of the one and the second image of the other.
    """
    price = np.zeros(shown.shape)
    for one, other in combinations(range(len(shown)), 2):
        same = np.flatnonzero(shown[one])
        if len(same) > 1 and np.array_equal(shown[one], shown[other]):
            price[one, same[0]] = 1.0
            price[other, same[1]] = 1.0
    return price
