"""SnapMix: label weights are how much of what the network sees is cut out and pasted in."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from genmix_da.classify.augmentations.class_maps import class_maps
from genmix_da.classify.augmentations.mixing import BetaMixing, like, mates
from genmix_da.classify.augmentations.network_mixing import NetworkMixing, shares

if TYPE_CHECKING:
    import numpy as np

Box = tuple[slice, slice]


def percent_maps(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Semantic percent maps: enlarged, their least value taken off, then shares of their sum.

    Args:
        maps: [B, h, w] of class activations.
        size: (H, W) of the images.

    Returns:
        [B, H, W], maps of at least 0 that sum to 1; one that is flat is spread evenly.
    """
    large = interpolate(maps[:, None], size, mode="bilinear", align_corners=False)[:, 0]
    return shares(large - large.amin((1, 2), keepdim=True))


def drawn_box(share: float, height: int, width: int, draw: np.random.Generator) -> Box:
    """A box with sides sqrt(1 - share) of the image's, its centre uniform, cut at the border."""
    sides = []
    for length in (height, width):
        side = int(length * math.sqrt(1.0 - share))
        start = int(draw.integers(length)) - side // 2
        sides.append(slice(max(start, 0), min(start + side, length)))
    return sides[0], sides[1]


@dataclass(frozen=True, kw_only=True)
class Snapmix(NetworkMixing, BetaMixing):
    """A box of the partner, scaled to another box of the image, replaces what is there.

    Huang, Wang and Tao, "SnapMix: Semantically Proportional Mixing for Augmenting Fine-grained
    Data", AAAI 2021: both boxes are drawn on their own, l ~ Beta(alpha, alpha), alpha 5, every
    batch (probability 1). With the semantic percent maps p of the unmixed images, the labels weigh
    1 - sum of p_a in the image's box and sum of p_b in the partner's box (equations 4 and 5). They
    need not sum to 1, and a class that both images have gets both. Label smoothing spreads the same
    weight evenly whatever they sum to. One pair of boxes a batch.

    The maps are those of evaluation mode; the authors' code takes them in training mode, where each
    batch counts twice for the statistics of batch norm, and counts the loss of pairs of one class
    twice.
    """

    name: ClassVar[str] = "snapmix"
    labels_sum_to_one: ClassVar[bool] = False

    alpha: float = 5.0

    def mix_seen(
        self, network: nn.Module, images: Tensor, weights: Tensor, draw: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """See the class.

        Raises:
            UserError: the backbone has no feature map.
        """
        height, width = images.shape[-2:]
        own, theirs = (drawn_box(self._share(draw), height, width, draw) for _ in range(2))
        if min(side.stop - side.start for side in (*own, *theirs)) < 1:
            return images, weights
        percent = percent_maps(class_maps(network, images, weights), (height, width))
        kept = (1.0 - _within(percent, own).sum((1, 2))).clamp_min(0.0)
        pasted = _within(mates(percent), theirs).sum((1, 2))
        mixed = images.clone(memory_format=torch.preserve_format)
        room = (own[0].stop - own[0].start, own[1].stop - own[1].start)
        patch = interpolate(
            _within(mates(images), theirs), room, mode="bilinear", align_corners=True
        )
        mixed[..., own[0], own[1]] = patch
        labels = kept[:, None] * weights + pasted[:, None] * mates(weights)
        return like(mixed, images), labels


def _within(maps: Tensor, box: Box) -> Tensor:
    return maps[..., box[0], box[1]]
