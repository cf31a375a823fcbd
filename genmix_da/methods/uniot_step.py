"""UniOT: losses and a training step (Chang et al., NeurIPS 2022).

Re-implementation; verified against arrays of the authors' released code (MIT).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from genmix_da.methods.joint import Batch
from genmix_da.methods.uniot_network import TEMPERATURE, Drawn, Draws, UniotNetwork
from genmix_da.methods.uniot_queue import Queue
from genmix_da.methods.uniot_transport import (
    TRAINING_STOP,
    Filled,
    Reading,
    fill,
    read,
    sinkhorn,
    transport,
)
from lead.epochs import Run

NAMES = ("source", "global", "local", "private", "common", "total")


@dataclass(frozen=True)
class Settings:
    """Settings of the losses on target samples.

    Attributes:
        weight: of both.
        mu: share of the old mass of a class after a step; 1 keeps all equal.
        warmup: number of the last step without the transport to the classes.
    """

    weight: float = 0.1
    mu: float = 0.7
    warmup: int = 100


@dataclass(frozen=True)
class Neighbours:
    """Of B target samples, each in the queue or in the batch.

    Attributes:
        features: [B, D].
        choice: [B] 0: in the queue; j: the j-th of the batch.
    """

    features: Tensor
    choice: Tensor


def neighbours(unit: Tensor, queue: Queue, rows: Tensor) -> Neighbours:
    """The nearest sample to each; gradients flow through those of the batch, as released.

    Args:
        unit: [B, D] unit features.
        queue: of earlier ones.
        rows: [B] of these in the target; see `Queue.nearest`.
    """
    value, kept = queue.nearest(unit.detach(), TEMPERATURE, rows)
    among = (unit.detach() @ unit.detach().T).fill_diagonal_(-1.0) / TEMPERATURE
    choice = torch.cat([value.unsqueeze(1), among], dim=1).argmax(dim=1)
    inside = unit[(choice - 1).clamp(min=0)]
    return Neighbours(torch.where(choice.unsqueeze(1) > 0, inside, kept), choice)


@dataclass(frozen=True)
class ClusterLoss:
    """Loss of the clusters; `total` is the mean of both parts.

    Attributes:
        own: each sample is to be in its own cluster ("global").
        swapped: it and its neighbour are to be in each other's ("local").
        assignment: [2B + K, K] Sinkhorn's, of samples, neighbours and drawn ones.
    """

    own: Tensor
    swapped: Tensor
    assignment: Tensor

    @property
    def total(self) -> Tensor:
        """The mean."""
        return (self.own + self.swapped) / 2


def cluster_loss(logits: Tensor, near: Tensor, drawn: Tensor) -> ClusterLoss:
    """Private class discovery: clusters of target samples, of equal size.

    Args:
        logits: [B, K] cluster logits of the batch.
        near: [B, K] of its neighbours.
        drawn: [M, K] of further samples, which take part in the assignment alone.
    """
    together = torch.cat([logits, near, drawn]).detach()
    assignment = sinkhorn(together * TEMPERATURE)
    wanted = assignment * len(assignment)
    count = len(logits)
    own, other = wanted[:count], wanted[count : 2 * count]
    swapped = (cross_entropy(logits, other) + cross_entropy(near, own)) / 2
    return ClusterLoss(cross_entropy(logits, own), swapped, assignment)


class UniotLearner:
    """See `genmix_da.methods.joint.Learner`.

    Args:
        network: trained in place.
        run: how it is optimised.
        settings: of the losses.
        seed: of what is drawn.
        first: gives the queue to begin with; called in the first step, not in a resumed run.
    """

    names = NAMES

    def __init__(
        self,
        network: UniotNetwork,
        run: Run,
        settings: Settings,
        seed: int,
        first: Callable[[], Queue],
    ) -> None:
        self.network, self.run, self.settings, self.seed = network, run, settings, seed
        self._first = first
        self.queue: Queue | None = None

    def step(self, batch: Batch) -> Tensor:
        """[6] losses; draws are of the seed and the number of the step."""
        return self.take(batch, Drawn(batch.target.device, self.seed, batch.number))

    def take(self, batch: Batch, draws: Draws) -> Tensor:
        """[6] losses of a step with these draws."""
        if self.queue is None:
            self.queue = self._first()
        queue = self.queue
        with self.run.precision.autocast():
            _, source = self.network(batch.source)
            embedding, target = self.network(batch.target)
        label_term = cross_entropy(self.network.split(source)[0], batch.labels)
        logits, clusters = self.network.split(target)
        unit = normalize(embedding, dim=1)
        near = neighbours(unit, queue, batch.rows)
        private = self.discover(clusters, near, queue, draws)
        common = torch.zeros_like(label_term)
        if batch.number > self.settings.warmup:
            found, _ = self.detect(unit.detach(), queue, draws)
            if len(found.sure):
                common = cross_entropy(logits[found.sure], found.sure_label[found.sure])
        total = label_term + self.settings.weight * (private.total + common)
        self.run.precision.step(total, self.run.optimizer)
        self.network.unit_heads()
        queue.push(unit.detach(), batch.rows)
        parts = (label_term, private.own, private.swapped, private.total, common, total)
        return torch.stack(parts).detach()

    def discover(
        self, clusters: Tensor, near: Neighbours, queue: Queue, draws: Draws
    ) -> ClusterLoss:
        """The loss of the clusters; as many samples as clusters are drawn from the queue."""
        centres = self.network.centres
        drawn = queue.features[draws.clustering(len(queue), centres.out_features)]
        return cluster_loss(
            clusters,
            centres(normalize(near.features, dim=1)) / TEMPERATURE,
            centres(drawn).detach() / TEMPERATURE,
        )

    @torch.no_grad()
    def detect(self, unit: Tensor, queue: Queue, draws: Draws) -> tuple[Reading, Filled]:
        """Common class detection: labels of a batch [B, D]; updates the mass of the classes."""
        network, mu = self.network, self.settings.mu
        drawn = queue.features[draws.transport(len(queue), len(queue))]
        filled = fill(
            torch.cat([drawn, unit]),
            network.prototypes.weight.detach(),
            *(network.beta, network.gamma, draws.filling),
            stop=TRAINING_STOP,
        )
        plan = transport(filled.similarity, network.beta, TRAINING_STOP)
        found = read(plan.share, filled.added + len(drawn))
        network.beta.copy_(mu * network.beta + (1 - mu) * found.mass)
        return found, filled

    def state(self) -> dict[str, Any]:
        """The queue, once it is there; the mass of the classes is among the weights."""
        return {} if self.queue is None else self.queue.state()

    def resume(self, state: Mapping[str, Any]) -> None:
        """Take over the queue."""
        if "queue_features" in state:
            self.queue = Queue.of(state, self.network.beta.device)
