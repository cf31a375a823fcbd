"""One optimiser step of GLC and of GLC++, which adds a contrast of neighbours.

Re-implementation (Qu et al., CVPR 2023; GLC++: Qu et al., 2024); verified against the authors'
released code (MIT).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from lead.bank import Bank
from lead.losses import LOG_EPSILON, neighbour_loss
from lead.network import Network
from lead.precision import Precision


@dataclass(frozen=True)
class Weights:
    """Weights of the losses.

    Attributes:
        pseudo_label: lambda of the pseudo-label loss.
        neighbours: of the agreement with the neighbours' predictions.
        contrast: of the pull to the neighbours and the push from others of the batch; 0: GLC.
        count: K, neighbours of a sample.
    """

    pseudo_label: float
    neighbours: float = 1.0
    contrast: float = 0.0
    count: int = 4


@dataclass(frozen=True)
class Step:
    """Outputs of a step; B samples, C classes.

    Attributes:
        embedding: [B, D] raw, training mode.
        probability: [B, C].
        neighbour_rows: [B, K] bank rows of ranks 1 to K, before this step's update.
        neighbour_probability: [B, C] their mean.
        losses: [4] pseudo-label, neighbours, contrast, total.
    """

    embedding: Tensor
    probability: Tensor
    neighbour_rows: Tensor
    neighbour_probability: Tensor
    losses: Tensor


def contrast(unit: Tensor, neighbours: Tensor, start: int) -> Tensor:
    """Pull to neighbours, push from K others of the batch (GLC++).

    Those are the K most similar ones behind the first `start`, which are taken to be of the same
    class. The other side of every pair has no gradient.

    Args:
        unit: [B, D] unit embeddings.
        neighbours: [B, K, D] bank features.
        start: first rank of the others; with a small batch there may be fewer than K, or none.
    """
    pull = torch.einsum("bd,bkd->bk", unit, neighbours)
    among = (unit @ unit.detach().T).sort(dim=1, descending=True).values[:, 1:]
    push = among[:, start : start + neighbours.shape[1]]
    return (push.sum(dim=1) - pull.sum(dim=1)).mean()


def contrast_start(batch_size: int, classes: int, coefficient: float) -> int:
    """Rank from which a batch holds samples of other classes: ceil(B / (C * coefficient))."""
    return math.ceil(batch_size / classes / coefficient)


def glc_step(
    network: Network,
    optimizer: torch.optim.Optimizer,
    images: Tensor,
    rows: Tensor,
    soft_target: Tensor,
    bank: Bank,
    weights: Weights,
    start: int,
    precision: Precision,
) -> Step:
    """One step; the learning rate is the caller's to set.

    Args:
        network: in training mode, classifier frozen.
        optimizer: over its trainable parameters.
        images: [B, 3, H, W] training views.
        rows: [B] their rows in bank and pseudo-labels.
        soft_target: [N, C] pseudo-labels.
        bank: updated in place.
        weights: of the losses.
        start: see `contrast`.
        precision: how to run the passes.
    """
    with precision.autocast():
        embedding, logits = network(images)
    probability = torch.softmax(logits, dim=1)
    unit = normalize(embedding, dim=1)
    with torch.no_grad():
        ranked, neighbour_probability = bank.neighbours(unit, weights.count)
        near = ranked[:, 1:] if ranked.shape[1] > 1 else ranked
        bank.update(rows, unit, probability)
    label_term = -(soft_target[rows] * torch.log(probability + LOG_EPSILON)).sum(dim=1).mean()
    neighbour_term = neighbour_loss(probability, neighbour_probability)
    total = weights.pseudo_label * label_term + weights.neighbours * neighbour_term
    contrast_term = torch.zeros_like(total)
    if weights.contrast:
        contrast_term = contrast(unit, bank.features[near], start)
        total = total + weights.contrast * contrast_term
    precision.step(total, optimizer)
    return Step(
        embedding.detach(),
        probability.detach(),
        near,
        neighbour_probability,
        torch.stack([label_term, neighbour_term, contrast_term, total]).detach(),
    )
