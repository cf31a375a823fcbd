"""DCC's network, which remembers the clusters of the target, and a step (Li et al., CVPR 2021).

Re-implementation; its parts are verified against arrays of the authors' released code (MIT).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize
from torch.nn.modules.batchnorm import _BatchNorm

from genmix_da.methods.dcc_losses import cluster_loss, contrastive_discrepancy, update_memory
from lead.epochs import Run
from lead.network import BOTTLENECK_DIM, Bottleneck, HeadedNetwork
from lead.scores import normalised_entropy

NAMES = ("source", "class_aware", "contrast", "cluster", "total")
_SHARPNESS = 0.1  # divides differences of similarities where they become an uncertainty


class DccNetwork(HeadedNetwork):
    """Backbone, linear layer to 256 with batch norm, linear classifier; outputs are logits [B, C].

    The clusters that the target was last found to have are buffers, so that a checkpoint keeps
    them: `memory` [M, 256] with `count` rows in use, and `class_of` [M], the class that a cluster
    is matched to (-1: none). Scales and shifts of the backbone's batch norms are not trained, as
    released; their statistics go on.

    Args:
        backbone: images [B, 3, H, W] -> features [B, F].
        feature_dim: F.
        class_count: C.
        most_clusters: M.
        width: of the embedding, 256 as published.
    """

    memory: Tensor
    class_of: Tensor
    count: Tensor

    def __init__(
        self,
        backbone: nn.Module,
        feature_dim: int,
        class_count: int,
        most_clusters: int,
        width: int = BOTTLENECK_DIM,
    ) -> None:
        super().__init__(backbone)
        for module in backbone.modules():
            if isinstance(module, _BatchNorm):
                module.requires_grad_(False)
        self.bottleneck = Bottleneck(feature_dim, width)
        self.classifier = nn.Linear(width, class_count)
        self.register_buffer("memory", torch.zeros(most_clusters, width))
        self.register_buffer("class_of", torch.full((most_clusters,), -1))
        self.register_buffer("count", torch.tensor(0))

    def outputs(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features [B, F] -> (embedding [B, 256], logits [B, C])."""
        embedding = self.bottleneck(features)
        return embedding, self.classifier(embedding)

    @property
    def clusters(self) -> Tensor:
        """[K, 256] the rows of the memory in use."""
        return self.memory[: int(self.count)]

    def remember(self, centres: Tensor, pairs: Tensor) -> None:
        """Take over clusters.

        Args:
            centres: [K, 256] unit, K <= M.
            pairs: [P, 2] class and cluster.
        """
        self.memory.zero_()
        self.memory[: len(centres)] = centres
        self.class_of.fill_(-1)
        self.class_of[pairs[:, 1]] = pairs[:, 0].to(self.class_of.device)
        self.count.fill_(len(centres))

    def similarity(self, embedding: Tensor) -> Tensor:
        """[N, K] cosines of embeddings [N, D] with the clusters."""
        return normalize(embedding, dim=1) @ self.clusters.T

    def judge(self, embedding: Tensor, outputs: Tensor) -> tuple[Tensor, Tensor | None]:
        """Class probabilities; the uncertainty is above 0.5 where the nearest cluster is matched to
        no class.

        How far it is from 0.5 is said by the nearest matched cluster against the nearest other
        one; where there are clusters of one kind alone, by the entropy. Before there are clusters
        it is the entropy.
        """
        probability = torch.softmax(outputs, dim=1)
        if not int(self.count):
            return probability, None
        near = self.similarity(embedding)
        matched = self.class_of[: near.shape[1]] >= 0
        if matched.all() or not matched.any():
            unmatched = ~matched.any().expand(len(near))
            unsure = normalised_entropy(probability).clamp(0, 1) / 2 + 0.5 * unmatched
        else:
            known = near[:, matched].max(dim=1).values
            unknown = near[:, ~matched].max(dim=1).values
            unmatched = ~matched[near.argmax(dim=1)]
            unsure = torch.sigmoid((unknown - known) / _SHARPNESS)
        # Rounding must not put a sample on the other side.
        half = torch.full_like(unsure, 0.5)
        above = torch.nextafter(half, torch.ones_like(half))
        return probability, torch.where(
            unmatched, torch.maximum(unsure, above), torch.minimum(unsure, half)
        )


@dataclass(frozen=True)
class Weights:
    """Of the losses.

    Attributes:
        contrast: of the contrast of classes.
        temperature: of the similarities to the clusters.
    """

    contrast: float = 0.1
    temperature: float = 0.1


@dataclass(frozen=True)
class ClassBlocks:
    """A class-aware batch: n consecutive rows of each of `count` classes, of both domains.

    Attributes:
        source, target: [count n, ...] training views.
        labels: [count n].
        count: of classes.
    """

    source: Tensor
    target: Tensor
    labels: Tensor
    count: int


@dataclass(frozen=True)
class ClusterBlocks:
    """A cluster-aware batch of the target.

    Attributes:
        target, clusters: [B, ...] training views and their clusters [B].
        weight: of their loss.
    """

    target: Tensor
    clusters: Tensor
    weight: float


@dataclass(frozen=True)
class DccBatch:
    """What a step is made of.

    Attributes:
        source, labels: [B, ...] training views and their classes [B].
        common: of classes that both domains have; None where there are none.
        clustered: None before there are clusters.
    """

    source: Tensor
    labels: Tensor
    common: ClassBlocks | None
    clustered: ClusterBlocks | None


def dcc_step(network: DccNetwork, run: Run, batch: DccBatch, weights: Weights) -> Tensor:
    """Train on a batch; [5] losses of `NAMES`, 0 where there is nothing to compute one from.

    Every part of the batch is passed through the network by itself, and the memory moves before
    its loss is computed.

    Args:
        network: in training mode; trained in place.
        run: how it is optimised.
        batch: the step's.
        weights: of the losses.
    """
    with run.precision.autocast():
        _, logits = network(batch.source)
    label_term = cross_entropy(logits, batch.labels)
    class_term = contrast = cluster_term = torch.zeros_like(label_term)
    if batch.common is not None:
        with run.precision.autocast():
            source, logits = network(batch.common.source)
            target, _ = network(batch.common.target)
        class_term = cross_entropy(logits, batch.common.labels)
        found = contrastive_discrepancy(source, target, batch.common.count)
        contrast = weights.contrast * found.total
    if batch.clustered is not None:
        with run.precision.autocast():
            embedding, _ = network(batch.clustered.target)
        unit, clusters = normalize(embedding, dim=1), batch.clustered.clusters
        memory = update_memory(network.clusters, unit, clusters)
        loss = cluster_loss(unit, clusters, memory, weights.temperature)
        cluster_term = batch.clustered.weight * loss
        network.clusters.copy_(memory)
    total = label_term + class_term + contrast + cluster_term
    run.precision.step(total, run.optimizer)
    return torch.stack([label_term, class_term, contrast, cluster_term, total]).detach()
