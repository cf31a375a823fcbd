"""One optimiser step of SHOT in open-set mode (Liang et al., ICML 2020).

Re-implementation; verified against the authors' released code (MIT).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from genmix_da.methods.shot_labels import LOG_EPSILON
from lead.network import Network
from lead.precision import Precision


@dataclass(frozen=True)
class Weights:
    """Weights of the losses.

    Attributes:
        pseudo_label: of the cross-entropy of the known samples.
        information: of the entropy of the known samples, less that of the batch's mean prediction.
        diverse: False leaves the second part out.
    """

    pseudo_label: float = 0.3
    information: float = 1.0
    diverse: bool = True


def shot_losses(logits: Tensor, labels: Tensor, weights: Weights) -> Tensor | None:
    """Losses of a batch; None where it holds no known sample.

    Args:
        logits: [B, C].
        labels: [B] pseudo-labels, C for unknown.
        weights: of the losses.

    Returns:
        [4] weighted cross-entropy, mean entropy of the known samples, entropy of the mean
        prediction over the whole batch, total.
    """
    known = labels < logits.shape[1]
    if not known.any():
        return None
    probability = torch.softmax(logits, dim=1)
    label_term = weights.pseudo_label * cross_entropy(logits[known], labels[known])
    sure = _entropy(probability[known]).mean()
    total = label_term + weights.information * sure
    diversity = torch.zeros_like(sure)
    if weights.diverse:
        diversity = _entropy(probability.mean(dim=0))
        total = total - weights.information * diversity
    return torch.stack([label_term, sure, diversity, total])


def _entropy(probability: Tensor) -> Tensor:
    return -(probability * torch.log(probability + LOG_EPSILON)).sum(dim=-1)


def shot_step(
    network: Network,
    optimizer: torch.optim.Optimizer,
    images: Tensor,
    labels: Tensor,
    weights: Weights,
    precision: Precision,
) -> tuple[Tensor, Tensor | None]:
    """One step; a batch without known samples moves nothing but the statistics of batch norm.

    Args:
        network: in training mode, classifier frozen.
        optimizer: over its trainable parameters; the learning rate is the caller's to set.
        images: [B, 3, H, W] training views.
        labels: [B] pseudo-labels, C for unknown.
        weights: of the losses.
        precision: how to run the passes.

    Returns:
        Logits [B, C] and losses [4], None where the batch was passed over.
    """
    with precision.autocast():
        _, logits = network(images)
    losses = shot_losses(logits, labels, weights)
    if losses is not None:
        precision.step(losses[-1], optimizer)
        losses = losses.detach()
    return logits.detach(), losses
