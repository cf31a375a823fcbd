"""Choosing an epoch without target labels: soft neighbourhood density, open-set aware.

Saito et al., "Tune it the Right Way: Unsupervised Validation of Domain Adaptation via Soft
Neighborhood Density", ICCV 2021: each prediction should have many near neighbours; the entropy of
the softmax over its similarities to all other predictions measures that, higher is better. In an
open set the uncertainty enters as one more output, so that samples rejected together are
neighbours too and a model that rejects nothing is not preferred for it.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize

from lead.scores import normalised_entropy

TEMPERATURE = 0.05
_ROWS = 1024  # similarity rows in memory at once


def soft_neighbourhood_density(probability: Tensor, *, open_set: bool) -> float:
    """Mean neighbourhood entropy of the predictions, in nats; higher is better.

    Args:
        probability: [N, C] softmax outputs of unlabelled target samples.
        open_set: append the uncertainty u as output C and scale the others by 1 - u.

    Returns:
        A number between 0 and log(N - 1); 0.0 for fewer than two samples.
    """
    if len(probability) < 2:
        return 0.0
    outputs = probability.float()
    if open_set:
        uncertainty = normalised_entropy(outputs).clamp(0.0, 1.0).unsqueeze(1)  # [N, 1]
        outputs = torch.cat([outputs * (1.0 - uncertainty), uncertainty], dim=1)  # [N, C + 1]
    unit = normalize(outputs, dim=1)
    total = 0.0
    for start in range(0, len(unit), _ROWS):
        similarity = unit[start : start + _ROWS] @ unit.T / TEMPERATURE  # [R, N]
        rows = torch.arange(len(similarity), device=unit.device)
        similarity[rows, rows + start] = -torch.inf  # a sample is not its own neighbour
        log_neighbour = torch.log_softmax(similarity, dim=1)
        neighbour = log_neighbour.exp()
        # 0 * -inf on the diagonal is NaN; the limit of p log p is 0.
        total -= float(torch.where(neighbour > 0, neighbour * log_neighbour, 0.0).sum())
    return total / len(unit)
