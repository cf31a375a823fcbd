"""What the methods share that ask the network before they mix: a look at it, and its saliency."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genmix_da.classify.augmentations.mixing import PairMixing

if TYPE_CHECKING:
    import numpy as np


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Evaluation mode inside; every module is left in the mode that it had.

    Neither statistics of batch norm nor random numbers change.
    """
    training = {module: module.training for module in network.modules()}
    try:
        network.eval()
        yield
    finally:
        for module, mode in training.items():
            module.training = mode


def gradient_saliency(network: nn.Module, images: Tensor, weights: Tensor) -> Tensor:
    """sqrt(mean over channels of (dL/dx)^2), L the cross-entropy of the unmixed batch.

    Kim, Choo and Song, "Puzzle Mix: Exploiting Saliency and Local Statistics for Optimal Mixup",
    ICML 2020, section 4.1: the size of the gradient at each pixel. In float32 and evaluation mode;
    gradients of parameters are neither computed nor changed. A pixel without a finite gradient
    counts as 0: what spoiled the network is said by the loss.

    Args:
        network: images -> logits [B, C].
        images: [B, 3, H, W].
        weights: label weights [B, C].

    Returns:
        [B, H, W], float32, at least 0.
    """
    watched = images.detach().float().requires_grad_()
    plain = torch.autocast(images.device.type, enabled=False)
    with evaluating(network), torch.enable_grad(), plain:
        loss = F.cross_entropy(network(watched).float(), weights.float(), reduction="sum")
        (gradient,) = torch.autograd.grad(loss, watched)
    return gradient.square().mean(1).sqrt().nan_to_num(0.0, 0.0, 0.0)


def shares(maps: Tensor) -> Tensor:
    """Maps [B, h, w] that sum to 1 each; one that is nothing is spread evenly."""
    total = maps.sum((1, 2), keepdim=True)
    even = 1.0 / (maps.shape[1] * maps.shape[2])
    return torch.where(total > 0, maps / total.where(total > 0, torch.ones_like(total)), even)


@dataclass(frozen=True, kw_only=True)
class NetworkMixing(PairMixing):
    """Mixes the images of a batch by what the network makes of them, so in `forward`."""

    def batch(
        self, images: Tensor, weights: Tensor, draw: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """Nothing: see `forward`."""
        return images, weights

    def forward(
        self, network: nn.Module, images: Tensor, weights: Tensor, draw: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """See the class; the mixture passes through the network in the mode that it is in."""
        if draw.random() < self.probability:
            images, weights = self.mix_seen(network, images, weights, draw)
        return network(images), weights

    def mix_seen(
        self, network: nn.Module, images: Tensor, weights: Tensor, draw: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """Mixed images [B, 3, S, S] and label weights [B, C]."""
        raise NotImplementedError
