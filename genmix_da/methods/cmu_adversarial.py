"""The domain discriminator of CMU (Fu et al., ECCV 2020), behind a reversed gradient.

Re-implementation; verified against arrays of the authors' released code.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

RISE = 1000  # calls over which the reversed gradient grows, by the logistic function
_HIDDEN = 1024


class _Reversed(torch.autograd.Function):
    """The identity, whose gradient is multiplied by minus a number."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, coefficient: float) -> Tensor:
        ctx.coefficient = coefficient
        return features.view_as(features)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return -ctx.coefficient * gradients[0], None


def reversal(calls: float) -> float:
    """What the gradient is multiplied by (times -1) after so many calls: from 0 towards 1."""
    return 2.0 / (1.0 + math.exp(-calls / RISE)) - 1.0


def discriminator(feature_dim: int) -> nn.Module:
    """Features [B, F] -> logits [B, 1], high for the source."""
    return nn.Sequential(
        nn.Linear(feature_dim, _HIDDEN),
        nn.BatchNorm1d(_HIDDEN),
        nn.ReLU(),
        nn.Linear(_HIDDEN, _HIDDEN),
        nn.BatchNorm1d(_HIDDEN),
        nn.ReLU(),
        nn.Linear(_HIDDEN, 1),
    )


def domain_loss(
    judge: nn.Module,
    source: tuple[Tensor, Tensor],
    target: tuple[Tensor, Tensor],
    coefficient: float,
) -> Tensor:
    """Half the weighted cross-entropies of the two domains; what gave the features is trained
    against it.

    Args:
        judge: features [B, F] -> logits [B, 1]; both domains pass it together.
        source, target: features [B, F] and weights [B], the latter without gradient.
        coefficient: see `reversal`.
    """
    features = torch.cat([source[0], target[0]])
    logits = judge(_Reversed.apply(features, coefficient)).squeeze(1)
    of_source, of_target = logits.split([len(source[0]), len(target[0])])
    losses = (
        binary_cross_entropy_with_logits(found, torch.full_like(found, wanted), weight=weight)
        for found, wanted, weight in ((of_source, 1.0, source[1]), (of_target, 0.0, target[1]))
    )
    return torch.stack(list(losses)).mean()
