"""The uncertainties of CMU: entropy, consistency and confidence of several heads (Fu et al., ECCV
2020).

Re-implementation; verified against arrays of both variants of the authors' released code.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

_LOG_EPSILON = 1e-10
_NO_RANGE = 1e-6  # values closer to each other than this are one


@dataclass(frozen=True)
class Uncertainties:
    """Of N samples, not scaled.

    Attributes:
        entropy: [N] mean over the heads, divided by log C.
        consistency: [N] standard deviation over the heads, the mean over the classes: high where
            the heads differ.
        confidence: [N] mean over the heads of the highest probability.
    """

    entropy: Tensor
    consistency: Tensor
    confidence: Tensor


def uncertainties(head_logits: Tensor) -> Uncertainties:
    """Uncertainties of samples from the logits [H, N, C] of H heads, H > 1."""
    probability = torch.softmax(head_logits, dim=2)
    entropy = -(probability * torch.log(probability + _LOG_EPSILON)).sum(dim=2).mean(dim=0)
    return Uncertainties(
        entropy / math.log(max(2, head_logits.shape[2])),
        probability.std(dim=0).mean(dim=1),
        probability.max(dim=2).values.mean(dim=0),
    )


def scaled(values: Tensor) -> Tensor:
    """[N] from 0 for the lowest to 1 for the highest; 0.5 where all are the same.

    The released code has NaN there, and counts every sample wrong.
    """
    low, high = values.min(), values.max()
    if high - low < _NO_RANGE:
        return torch.full_like(values, 0.5)
    return (values - low) / (high - low)


def score(found: Uncertainties) -> Tensor:
    """[N] in [0, 1], high for known samples; each part is scaled over all N."""
    parts = scaled(found.confidence) + 1 - scaled(found.consistency) + 1 - scaled(found.entropy)
    return parts / 3


def target_weight(found: Uncertainties) -> Tensor:
    """[N] weights of target samples against the discriminator, of unscaled parts."""
    return (2 - found.entropy - found.consistency + found.confidence) / 3


def mean_of_known(probability: Tensor, known: Tensor) -> Tensor:
    """[C] mean probability [N, C] of samples that are known [N] bool; 0 where none is."""
    return probability[known].sum(dim=0) / known.sum().clamp(min=1)


def older_score(found: Uncertainties) -> Tensor:
    """[N] of the earlier variant, high for unknown samples: scaled entropy and consistency."""
    return (scaled(found.entropy) + scaled(found.consistency)) / 2


def older_target_weight(found: Uncertainties, threshold: float) -> Tensor:
    """[N] weights of the earlier variant, 0 or 1.

    As released, the threshold is one of scaled uncertainties, halved, and these are not scaled.

    Args:
        found: of the batch.
        threshold: mean `older_score` of all target samples.
    """
    return ((found.entropy + found.consistency) / 2 < threshold / 2).to(found.entropy)
