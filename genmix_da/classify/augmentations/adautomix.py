"""AdAutoMix: AutoMix of three images, whose block every other step works against the classifier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity, interpolate

from genmix_da.classify.augmentations.companion import Companion, Loss, Objective
from genmix_da.classify.augmentations.learnt_mixing import LearntMixing, TwinCompanion, begin
from genmix_da.classify.augmentations.mixing import like

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, kw_only=True)
class Adautomix(LearntMixing):
    """Images are mixed by a softmax over what a block gives each, and the block turns adversary.

    Qin et al., "Adversarial AutoMixup", ICLR 2024. Shares are N draws of Beta(alpha, alpha) over
    their sum, N 3, alpha 1. The network learns from

        mixed + (1 - even_weight) * clean + even_weight * evenly mixed.

    The block learns, through a momentum copy of the network, from the loss of mixed images; every
    other step, from the first on, that is replaced by

        -adversary * loss + (1 - adversary) * mean of share_i * cos(logits mixed, logits of image i)

    Values and this sign of the cosine are those of the released code for CIFAR-100. It differs in
    when the network's images are mixed evenly: here where any share is within `margin` of 0 or 1,
    there where the first is.

    Attributes:
        images: N, mixed at once.
        even_weight: of evenly mixed images over clean ones.
        adversary: of the loss over the cosine.
    """

    name: ClassVar[str] = "adautomix"

    alpha: float = 1.0
    margin: float = 0.03
    upsampling: str = "bilinear"
    images: int = 3
    even_weight: float = 0.5
    adversary: float = 0.3

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("alpha", 1e-2)  # below, all draws may be 0
        self._require("images", 2, 16)
        self._require("even_weight", 0, 1)
        self._require("adversary", 0, 1)

    def companion(self, network: nn.Module) -> Companion:
        """See the class."""
        return _AdautomixCompanion(self, network)


class SharedAttention(nn.Module):
    """What each of N images has at each place, before a softmax over them.

    softmax(q_i^T (sum of k_j, j other than i) / sqrt(d)) v_i, with 1x1 convolutions q, k to d = D /
    2 channels and v to one.

    Args:
        channels: D of the maps.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = max(channels // 2, 1)
        self.query, self.key = nn.Conv2d(channels, inner, 1), nn.Conv2d(channels, inner, 1)
        self.value = nn.Conv2d(channels, 1, 1)
        self.apply(begin)

    def forward(self, maps: list[Tensor]) -> Tensor:
        """N maps [B, D, h, w] to [B, N, h, w]."""
        size = maps[0].shape[2:]
        with torch.autocast(maps[0].device.type, enabled=False):
            keys = [self.key(one.float()).flatten(2) for one in maps]  # [B, d, hw]
            total = torch.stack(keys).sum(0)
            found = []
            for one, key in zip(maps, keys, strict=True):
                query = self.query(one.float()).flatten(2)
                scale = query.shape[1] ** -0.5
                near = torch.softmax(query.transpose(1, 2) @ (total - key) * scale, dim=-1)
                value = self.value(one.float()).flatten(2).transpose(1, 2)
                found.append((near @ value).reshape(len(value), 1, *size))
            return torch.cat(found, dim=1)


class _AdautomixCompanion(TwinCompanion[Adautomix]):
    steps: Tensor

    def __init__(self, settings: Adautomix, network: nn.Module) -> None:
        super().__init__(settings, network, SharedAttention)
        self.register_buffer("steps", settings.example(network).new_zeros((), dtype=torch.long))

    def objective(
        self,
        network: nn.Module,
        images: Tensor,
        weights: Tensor,
        loss: Loss,
        draw: np.random.Generator,
    ) -> Objective:
        """See `Adautomix`."""
        s = self._s
        drawn = draw.beta(s.alpha, s.alpha, s.images)
        shares = [float(share) for share in drawn / drawn.sum()]
        maps = self.twin.maps(images)
        learnt = self._learnt(images, weights, maps, shares, loss, draw)
        rows = self._rows(len(images), draw)
        even = _sum([images[row] * share for row, share in zip(rows, shares, strict=True)])
        labels = _sum([weights[row] * share for row, share in zip(rows, shares, strict=True)])
        mixed = even
        if not s.even(shares):
            with torch.no_grad():
                mixed = self._mixed(images, maps, rows)
        logits = network(like(mixed, images))
        total = loss(logits, labels) + (1 - s.even_weight) * loss(network(images), weights)
        total = total + s.even_weight * loss(network(like(even, images)), labels)
        return Objective(total + learnt, logits, labels)

    def _learnt(
        self,
        images: Tensor,
        weights: Tensor,
        maps: Tensor,
        shares: list[float],
        loss: Loss,
        draw: np.random.Generator,
    ) -> Tensor:
        """What the block learns from."""
        s = self._s
        rows = self._rows(len(images), draw)
        logits = self.twin(self._mixed(images, maps, rows))
        labels = _sum([weights[row] * share for row, share in zip(rows, shares, strict=True)])
        mixed = loss(logits, labels)
        self.steps += 1
        if int(self.steps) % 2 == 0:
            return mixed
        with torch.no_grad():
            clean = self.twin(images)
        alike = [
            cosine_similarity(logits, clean[row], dim=1).mean() * share
            for row, share in zip(rows, shares, strict=True)
        ]
        return (1 - s.adversary) * _sum(alike) - s.adversary * mixed

    def _mixed(self, images: Tensor, maps: Tensor, rows: list[Tensor]) -> Tensor:
        """Images [B, 3, S, S] by the block's masks."""
        small = self.block([maps[row] for row in rows])
        masks = interpolate(small, images.shape[-2:], mode=self._s.upsampling).softmax(dim=1)
        return _sum([images[row] * masks[:, place, None] for place, row in enumerate(rows)])

    def _rows(self, count: int, draw: np.random.Generator) -> list[Tensor]:
        """N orders of the batch [B], the images that are mixed with each other."""
        device = self.steps.device
        return [torch.from_numpy(draw.permutation(count)).to(device) for _ in range(self._s.images)]


def _sum(parts: list[Tensor]) -> Tensor:
    return torch.stack(parts).sum(0)
