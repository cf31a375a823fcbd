"""DANCE: neighbourhood clustering and entropy separation (Saito et al., NeurIPS 2020).

Re-implementation; verified against arrays of the authors' released code (MIT).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from genmix_da.methods.joint import Batch
from lead.epochs import Run
from lead.losses import LOG_EPSILON
from lead.network import HeadedNetwork

TEMPERATURE = 0.05
NAMES = ("source", "neighbourhood", "separation", "total")


class DanceNetwork(HeadedNetwork):
    """Backbone and a bias-free linear classifier on its unit features; outputs are logits.

    Args:
        backbone: images [B, 3, H, W] -> features [B, F].
        feature_dim: F.
        class_count: C.
    """

    def __init__(self, backbone: nn.Module, feature_dim: int, class_count: int) -> None:
        super().__init__(backbone)
        self.classifier = nn.Linear(feature_dim, class_count, bias=False)

    def outputs(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features [B, F] -> (the same, logits [B, C], divided by the temperature)."""
        return features, self.classifier(normalize(features, dim=1)) / TEMPERATURE

    def judge(self, embedding: Tensor, outputs: Tensor) -> tuple[Tensor, Tensor]:
        """The uncertainty is the entropy / log C; above 0.5 a sample is unknown.

        The released code has NaN, which it never rejects, where a probability is 0; here 0 log 0
        is 0.
        """
        probability = torch.softmax(outputs, dim=1)
        entropy = torch.special.entr(probability).sum(dim=1)
        return probability, entropy / math.log(max(2, outputs.shape[1]))


@dataclass(frozen=True)
class Settings:
    """Settings of the losses on target samples.

    Attributes:
        weight: of both.
        margin: from the threshold, within which an entropy is left alone.
        momentum: of the old feature in the memory; 0 replaces it.
    """

    weight: float = 0.05
    margin: float = 0.5
    momentum: float = 0.0


@dataclass(frozen=True)
class Similarities:
    """Of B target samples, divided by the temperature; a sample is not its own neighbour.

    Attributes:
        memory: [B, N] to the memory, where all samples of the batch are masked.
        batch: [B, B] to each other.
    """

    memory: Tensor
    batch: Tensor


def similarities(unit: Tensor, memory: Tensor, rows: Tensor) -> Similarities:
    """Cosines over the temperature; masked ones are -1 / temperature.

    Args:
        unit: [B, F] unit features.
        memory: [N, F] of all target samples; 0 for those that were not seen yet.
        rows: [B] of the batch in the memory.
    """
    among = (unit @ unit.T).fill_diagonal_(-1.0)
    known = (unit @ memory.T).index_fill(1, rows, -1.0)
    return Similarities(known / TEMPERATURE, among / TEMPERATURE)


def neighbourhood_loss(logits: Tensor, near: Similarities) -> Tensor:
    """Mean entropy over classes, memory and batch: a sample is near to few of them."""
    return _entropy(torch.cat([logits, near.memory, near.batch], dim=1)).mean()


def separation_loss(logits: Tensor, margin: float) -> Tensor:
    """Pushes entropies away from log(C) / 2, beyond the margin.

    Args:
        logits: [B, C].
        margin: in nats.
    """
    apart = (_entropy(logits) - math.log(logits.shape[1]) / 2).abs()
    return -apart.clamp(min=margin).mean()


def _entropy(logits: Tensor) -> Tensor:
    probability = torch.softmax(logits, dim=1)
    entropy: Tensor = -(probability * torch.log(probability + LOG_EPSILON)).sum(dim=1)
    return entropy


def remember(memory: Tensor, unit: Tensor, rows: Tensor, momentum: float) -> None:
    """Put unit features [B, F] into the memory [N, F] at their rows [B], in place."""
    mixed = momentum * memory[rows] + (1.0 - momentum) * unit
    # A sample that was not seen before is kept as it is.
    new = memory[rows].abs().sum(dim=1, keepdim=True) == 0
    memory[rows] = normalize(torch.where(new, unit, mixed), dim=1)


class DanceLearner:
    """See `genmix_da.methods.joint.Learner`.

    Args:
        network: trained in place.
        run: how it is optimised.
        settings: of the losses.
        count: N, target samples.
    """

    names = NAMES

    def __init__(self, network: DanceNetwork, run: Run, settings: Settings, count: int) -> None:
        self.network, self.run, self.settings = network, run, settings
        head = network.classifier.weight
        self.memory = torch.zeros(count, head.shape[1], device=head.device)

    def step(self, batch: Batch) -> Tensor:
        """[4] losses; the rows of the classifier have unit length before every step."""
        head = self.network.classifier.weight
        with torch.no_grad():
            head.copy_(normalize(head, dim=1))
        with self.run.precision.autocast():
            _, source = self.network(batch.source)
            features, target = self.network(batch.target)
        unit = normalize(features, dim=1)
        near = similarities(unit, self.memory, batch.rows)
        label_term = cross_entropy(source, batch.labels)
        weight = self.settings.weight
        neighbourhood = weight * neighbourhood_loss(target, near)
        separation = weight * separation_loss(target, self.settings.margin)
        total = label_term + neighbourhood + separation
        self.run.precision.step(total, self.run.optimizer)
        remember(self.memory, unit.detach(), batch.rows, self.settings.momentum)
        return torch.stack([label_term, neighbourhood, separation, total]).detach()

    def state(self) -> dict[str, Any]:
        """The memory."""
        return {"memory": self.memory}

    def resume(self, state: Mapping[str, Any]) -> None:
        """Take over the memory."""
        self.memory.copy_(state["memory"])
