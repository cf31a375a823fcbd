"""AutoMix: a small block learns, beside the classifier, where two images should be mixed."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from genmix_da.classify.augmentations.companion import Companion, Loss, Objective
from genmix_da.classify.augmentations.learnt_mixing import LearntMixing, TwinCompanion, begin
from genmix_da.classify.augmentations.mixing import like

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, kw_only=True)
class Automix(LearntMixing):
    """Mixed images by masks that cross-attention of two feature maps gives, trained end to end.

    Liu et al., "AutoMix: Unveiling the Power of Mixup for Stronger Classifiers", ECCV 2022. With l
    ~ Beta(alpha, alpha), alpha 2, the block P gives a mask m of the partner's share (Eq. 7 to 9:
    `MixBlock`). The network learns from clean and from mixed images, the block from the loss of a
    momentum copy of the network on images that were mixed with another l and other partners, and
    from mask_weight * max(|1 - mean(m) - l| - mask_margin, 0) (Eq. 12). Where l or 1 - l is at most
    `margin` the network's images are mixed evenly. Values are those of the released code for
    CIFAR-100. It differs in two ways: one head takes the place of the two of the released code
    (for clean and for mixed images), and the learning rate falls to 0 as it does for every method
    here (there to half its height).

    Attributes:
        mask_weight, mask_margin: of the mask's loss.
        with_share: the block sees l as a channel of its own (fine-grained data in the paper).
    """

    name: ClassVar[str] = "automix"

    mask_weight: float = 0.1
    mask_margin: float = 0.1
    with_share: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("mask_weight", 0)
        self._require("mask_margin", 0, 1)

    def companion(self, network: nn.Module) -> Companion:
        """See the class."""
        return _AutomixCompanion(
            self, network, lambda channels: MixBlock(channels, with_share=self.with_share)
        )


class MixBlock(nn.Module):
    """Where the partner shows: sigmoid of attention over the partner's values (Eq. 7 to 9).

    softmax(q(z)^T q(z') / sqrt(d)) v(z') at the size of the maps, where q and v are 1x1
    convolutions to d = D / 2 channels and to one.

    Args:
        channels: D of the maps.
        with_share: whether a channel with the share is added to them.
    """

    def __init__(self, channels: int, *, with_share: bool) -> None:
        super().__init__()
        self._with_share = with_share
        seen = channels + with_share
        self.query = nn.Conv2d(seen, max(channels // 2, 1), 1)
        self.value = nn.Conv2d(seen, 1, 1)
        self.apply(begin)

    def forward(self, own: Tensor, other: Tensor, share: float) -> Tensor:
        """Before the sigmoid: [B, 1, h, w].

        Args:
            own, other: [B, D, h, w] maps of an image and its partner.
            share: l, of the image itself.
        """
        with torch.autocast(own.device.type, enabled=False):  # exponents of sums of products
            own, other = own.float(), other.float()
            if self._with_share:
                own, other = _beside(own, share), _beside(other, 1 - share)
            query, key = self.query(own).flatten(2), self.query(other).flatten(2)  # [B, d, hw]
            scale = query.shape[1] ** -0.5
            near = torch.softmax(query.transpose(1, 2) @ key * scale, dim=-1)  # [B, hw, hw]
            value = self.value(other).flatten(2).transpose(1, 2)  # [B, hw, 1]
            mask: Tensor = (near @ value).reshape(len(own), 1, *own.shape[2:])
            return mask


def _beside(maps: Tensor, value: float) -> Tensor:
    return torch.cat([maps, torch.full_like(maps[:, :1], value)], dim=1)


class _AutomixCompanion(TwinCompanion[Automix]):
    def objective(
        self,
        network: nn.Module,
        images: Tensor,
        weights: Tensor,
        loss: Loss,
        draw: np.random.Generator,
    ) -> Objective:
        """See `Automix`."""
        s = self._s
        maps = self.twin.maps(images)
        learnt = self._learnt(images, weights, maps, loss, draw)
        share, partner = float(draw.beta(s.alpha, s.alpha)), _partner(len(images), draw)
        if s.even([share]):
            mask = torch.full_like(images[:, :1], 1 - share)
        else:
            with torch.no_grad():
                mask = self._mask(images, maps, partner(maps), share)
        logits = network(_blended(images, partner(images), mask))
        labels = share * weights + (1 - share) * partner(weights)
        clean = loss(network(images), weights)
        return Objective(loss(logits, labels) + clean + learnt, logits, labels)

    def _learnt(
        self,
        images: Tensor,
        weights: Tensor,
        maps: Tensor,
        loss: Loss,
        draw: np.random.Generator,
    ) -> Tensor:
        """What the block learns from."""
        s = self._s
        share, partner = float(draw.beta(s.alpha, s.alpha)), _partner(len(images), draw)
        mask = self._mask(images, maps, partner(maps), share)
        logits = self.twin(_blended(images, partner(images), mask))
        mixed = loss(logits, share * weights + (1 - share) * partner(weights))
        away = torch.clamp((1 - mask.mean() - share).abs() - s.mask_margin, min=0)
        return mixed + s.mask_weight * away

    def _mask(self, images: Tensor, own: Tensor, other: Tensor, share: float) -> Tensor:
        """Share of the partner: [B, 1, S, S] in [0, 1]."""
        small = self.block(own, other, share)
        return torch.sigmoid(interpolate(small, images.shape[-2:], mode=self._s.upsampling))


def _partner(count: int, draw: np.random.Generator) -> functools.partial[Tensor]:
    """Who is paired with whom: a shift of the batch, so that nobody is paired with itself."""
    return functools.partial(torch.roll, shifts=int(draw.integers(1, max(count, 2))), dims=0)


def _blended(images: Tensor, partners: Tensor, mask: Tensor) -> Tensor:
    return like(images * (1 - mask) + partners * mask, images)
