"""What the methods that mix pairs share: who is paired with whom, and labels by share.

Every image is paired with its neighbour in the batch, which is shuffled: the same pairing for all
methods, and nobody is mixed with itself unless the batch has one image.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from genmix_da.classify.augmentations.base import Augmentation

if TYPE_CHECKING:
    import numpy as np

    from lead.views import Preprocessing


def mates(tensor: Tensor) -> Tensor:
    """The partner of every row [B, ...]."""
    return tensor.roll(1, 0)


def mixed_weights(weights: Tensor, share: float | Tensor) -> Tensor:
    """Label weights of mixed images.

    Args:
        weights: [B, C] before.
        share: of the image itself, in [0, 1]; its partner has the rest. One number, or [B].

    Returns:
        [B, C]; rows sum to what those of `weights` sum to.
    """
    if isinstance(share, Tensor):
        share = share.to(weights)[:, None]
    return share * weights + (1.0 - share) * mates(weights)


def joined(images: Tensor, own: Tensor) -> Tensor:
    """Each image where the mask is true, its partner elsewhere.

    Args:
        images: [B, 3, S, S].
        own: bool [S, S], or [B, 1, S, S].

    Returns:
        [B, 3, S, S] in the memory layout of `images`.
    """
    return like(torch.where(own, images, mates(images)), images)


def like(mixed: Tensor, images: Tensor) -> Tensor:
    """`mixed` in the memory layout of `images`, so that convolutions need not change it."""
    last = torch.channels_last
    if images.is_contiguous(memory_format=last) and not mixed.is_contiguous(memory_format=last):
        return mixed.contiguous(memory_format=last)
    return mixed


def pixels_of(images: Tensor, preprocessing: Preprocessing) -> Tensor:
    """Network inputs [B, 3, H, W] back to values in [0, 1], so that no channel counts for more."""
    mean, std = _scale(images, preprocessing)
    return images * std + mean


def inputs_of(pixels: Tensor, preprocessing: Preprocessing) -> Tensor:
    """Values in [0, 1] to network inputs [B, 3, H, W]."""
    mean, std = _scale(pixels, preprocessing)
    return (pixels - mean) / std


def _scale(images: Tensor, preprocessing: Preprocessing) -> tuple[Tensor, Tensor]:
    """Mean and deviation of a network's inputs, each [1, 3, 1, 1]."""
    mean, std = (images.new_tensor(each) for each in (preprocessing.mean, preprocessing.std))
    return mean.view(1, 3, 1, 1), std.view(1, 3, 1, 1)


@dataclass(frozen=True, kw_only=True)
class PairMixing(Augmentation):
    """Mixes a batch with the chance `probability`, else leaves it as it is.

    Attributes:
        probability: of mixing a batch. Several papers mix half of the CIFAR batches and every
            ImageNet batch; 1 here.
    """

    probability: float = 1.0

    def __post_init__(self) -> None:
        self._require("probability", 0, 1)

    def batch(
        self, images: Tensor, weights: Tensor, draw: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """See the base class."""
        if draw.random() >= self.probability:
            return images, weights
        return self.mix(images, weights, draw)

    def mix(
        self, images: Tensor, weights: Tensor, draw: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """Mixed images [B, 3, S, S] and label weights [B, C]."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class BetaMixing(PairMixing):
    """Mixes in the shares l and 1 - l, l ~ Beta(alpha, alpha).

    Attributes:
        alpha: above 0; the larger, the nearer the shares are to a half.

    Raises:
        UserError: an option is out of range.
    """

    alpha: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("alpha", 1e-3)

    def _share(self, draw: np.random.Generator) -> float:
        """l, drawn anew."""
        return draw.beta(self.alpha, self.alpha)
