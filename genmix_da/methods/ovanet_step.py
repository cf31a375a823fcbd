"""OVANet: a closed-set head and a one-vs-all head on the backbone (Saito and Saenko, ICCV 2021).

Re-implementation; verified against arrays of the authors' released code (MIT).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from genmix_da.methods.joint import Batch
from lead.epochs import Run
from lead.network import HeadedNetwork

_EPSILON = 1e-8  # inside logarithms
NAMES = ("source", "positive", "negative", "entropy", "total")


class OvanetNetwork(HeadedNetwork):
    """Backbone with two bias-free linear heads on its features.

    Outputs [B, 3C]: C closed-set logits, then C logits "not this class", then C "this class".

    Args:
        backbone: images [B, 3, H, W] -> features [B, F].
        feature_dim: F.
        class_count: C.
    """

    def __init__(self, backbone: nn.Module, feature_dim: int, class_count: int) -> None:
        super().__init__(backbone)
        self.closed = nn.Linear(feature_dim, class_count, bias=False)
        self.open = nn.Linear(feature_dim, 2 * class_count, bias=False)

    def outputs(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features [B, F] -> (the same, outputs [B, 3C])."""
        return features, torch.cat([self.closed(features), self.open(features)], dim=1)

    def judge(self, embedding: Tensor, outputs: Tensor) -> tuple[Tensor, Tensor]:
        """Closed-set probabilities; the uncertainty is "not this class" of the most probable one.

        Above 0.5 a sample is unknown.
        """
        closed, two_way = split(outputs)
        best = closed.argmax(dim=1, keepdim=True)
        none = torch.softmax(two_way, dim=1)[:, 0].gather(1, best).squeeze(1)
        return torch.softmax(closed, dim=1), none


def split(outputs: Tensor) -> tuple[Tensor, Tensor]:
    """Outputs [B, 3C] -> closed-set logits [B, C] and one-vs-all logits [B, 2, C]."""
    classes = outputs.shape[1] // 3
    return outputs[:, :classes], outputs[:, classes:].reshape(len(outputs), 2, classes)


@dataclass(frozen=True)
class OpenLoss:
    """Losses of the one-vs-all head on labelled samples; `total` is half their sum."""

    positive: Tensor
    negative: Tensor

    @property
    def total(self) -> Tensor:
        """Half the sum."""
        return (self.positive + self.negative) / 2


def open_loss(two_way: Tensor, labels: Tensor) -> OpenLoss:
    """The own class is "this class", the hardest of the others "not this class".

    Args:
        two_way: [B, 2, C] logits.
        labels: [B].
    """
    none, this = torch.softmax(two_way, dim=1).unbind(dim=1)  # [B, C]
    own = labels.unsqueeze(1)
    positive = -torch.log(this.gather(1, own) + _EPSILON).mean()
    if none.shape[1] == 1:
        return OpenLoss(positive, torch.zeros_like(positive))
    others = (-torch.log(none + _EPSILON)).scatter(1, own, -torch.inf)
    return OpenLoss(positive, others.max(dim=1).values.mean())


def open_entropy(two_way: Tensor) -> Tensor:
    """Mean entropy of the two-way probabilities of [B, 2, C] logits."""
    probability = torch.softmax(two_way, dim=1)
    entropy: Tensor = -(probability * torch.log(probability + _EPSILON)).sum(dim=1)
    return entropy.mean()


class OvanetLearner:
    """See `genmix_da.methods.joint.Learner`.

    Args:
        network: trained in place.
        run: how it is optimised.
        entropy_weight: of the entropy of target samples; 0 leaves the target out.
    """

    names = NAMES

    def __init__(self, network: OvanetNetwork, run: Run, entropy_weight: float) -> None:
        self.network, self.run, self.entropy_weight = network, run, entropy_weight

    def step(self, batch: Batch) -> Tensor:
        """[5] losses; the rows of the one-vs-all head have unit length before every step."""
        head = self.network.open.weight
        with torch.no_grad():
            head.copy_(normalize(head, dim=1))
        with self.run.precision.autocast():
            _, source = self.network(batch.source)
        closed, two_way = split(source)
        label_term = cross_entropy(closed, batch.labels)
        known = open_loss(two_way, batch.labels)
        total = label_term + known.total
        entropy = torch.zeros_like(total)
        if self.entropy_weight:
            with self.run.precision.autocast():
                _, target = self.network(batch.target)
            entropy = open_entropy(split(target)[1])
            total = total + self.entropy_weight * entropy
        self.run.precision.step(total, self.run.optimizer)
        return torch.stack([label_term, known.positive, known.negative, entropy, total]).detach()

    def state(self) -> dict[str, Any]:
        """Nothing beside the weights."""
        return {}

    def resume(self, state: Mapping[str, Any]) -> None:
        """Nothing to do."""
