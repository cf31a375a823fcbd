"""Heads on CLIP's image features: zero-shot, and one that is distilled from it.

The distillation and its calibration are those of Deng and Jia, "Universal Domain Adaptation from
Foundation Models: A Baseline Study" (arXiv 2305.11092), from its description; no released array was
at hand to compare with.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import log_softmax, normalize

from genmix_da.methods.joint import Batch
from lead.epochs import Run
from lead.losses import LOG_EPSILON
from lead.network import HeadedNetwork

TEMPERATURE = 0.05  # of the student's cosines
_BINS = 10  # of the calibration error
_ROUNDS = 100


class ClipNetwork(HeadedNetwork):
    """Frozen image features [B, F] beside embeddings of class names; outputs are logits.

    Args:
        backbone: the identity: features are computed before.
        feature_dim: F.
        class_count: C.
    """

    text: Tensor
    scale: Tensor

    def __init__(self, backbone: nn.Module, feature_dim: int, class_count: int) -> None:
        super().__init__(backbone)
        self.register_buffer("text", torch.zeros(class_count, feature_dim))
        self.register_buffer("scale", torch.ones(()))

    def zero_shot(self, features: Tensor) -> Tensor:
        """Logits [B, C] of features [B, F]: cosines times CLIP's own scale."""
        return self.scale * normalize(features, dim=1) @ self.text.T

    def outputs(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features [B, F] -> (the same, zero-shot logits [B, C])."""
        return features, self.zero_shot(features)


class DistilledNetwork(ClipNetwork):
    """The same with a head of its own, which learns from the zero-shot one."""

    def __init__(self, backbone: nn.Module, feature_dim: int, class_count: int) -> None:
        super().__init__(backbone, feature_dim, class_count)
        self.student = nn.Linear(feature_dim, class_count, bias=False)

    def outputs(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features [B, F] -> (the same, the student's logits [B, C])."""
        return features, self.student(normalize(features, dim=1)) / TEMPERATURE


def calibrated_temperature(logits: Tensor, labels: Tensor) -> float:
    """The temperature at which zero-shot predictions say how often they are right.

    The first half of the source classes stands for known ones and the other half for unknown ones:
    over the first half's classes, log loss and calibration error of the images of the first half,
    and how much more confident than chance those of the other half are, are least together.

    Args:
        logits: [N, C] zero-shot logits of source images, the classes in an order that says nothing
            of which of them the target has.
        labels: [N].

    Returns:
        Above 0; 1 where there are fewer than two classes to tell apart.
    """
    known = logits.shape[1] // 2
    inside = labels < known
    if known < 2 or not inside.any():
        return 1.0
    own, other = logits[:, :known].double(), labels[inside]
    log_t = torch.zeros((), dtype=torch.float64, requires_grad=True, device=logits.device)
    search = torch.optim.LBFGS([log_t], max_iter=_ROUNDS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        search.zero_grad()
        scaled = log_softmax(own / log_t.exp(), dim=1)
        total = -scaled[inside].gather(1, other.unsqueeze(1)).mean()
        total = total + calibration_error(scaled[inside].exp(), other)
        if not bool(inside.all()):
            total = total + scaled[~inside].exp().max(dim=1).values.mean() - 1.0 / known
        total.backward()  # type: ignore[no-untyped-call]
        return total

    search.step(loss)  # type: ignore[no-untyped-call]
    found = math.exp(float(log_t.detach()))
    return found if math.isfinite(found) and found > 0 else 1.0


def calibration_error(probability: Tensor, labels: Tensor) -> Tensor:
    """Expected calibration error: by bins of confidence, how far accuracy is from it (Guo, 2017).

    Args:
        probability: [N, C].
        labels: [N].
    """
    confidence, predicted = probability.max(dim=1)
    right = (predicted == labels).to(confidence)
    place = (confidence.detach() * _BINS).long().clamp(max=_BINS - 1)
    gaps = torch.zeros(_BINS, dtype=confidence.dtype, device=confidence.device)
    return gaps.index_add(0, place, confidence - right).abs().sum() / len(labels)


class DistillLearner:
    """See `genmix_da.methods.joint.Learner`; source batches are not looked at.

    Args:
        network: its student is trained in place.
        run: how it is optimised.
        temperature: of the targets.
    """

    names = ("distillation", "total")

    def __init__(self, network: DistilledNetwork, run: Run, temperature: float) -> None:
        self.network, self.run, self.temperature = network, run, temperature

    def step(self, batch: Batch) -> Tensor:
        """[2] losses; the rows of the student have unit length before every step."""
        head = self.network.student.weight
        with torch.no_grad():
            head.copy_(normalize(head, dim=1))
        features, logits = self.network(batch.target)
        teacher = self.network.zero_shot(features.detach()) / self.temperature
        wanted = torch.softmax(teacher, dim=1)
        probability = torch.softmax(logits, dim=1)
        loss = -(wanted * torch.log(probability + LOG_EPSILON)).sum(dim=1).mean()
        self.run.precision.step(loss, self.run.optimizer)
        return torch.stack([loss, loss]).detach()

    def state(self) -> dict[str, Any]:
        """Nothing beside the weights: the temperature is found again."""
        return {}

    def resume(self, state: Mapping[str, Any]) -> None:
        """Nothing to do."""
