"""DCC's rounds: the target is clustered anew, then trained on by its classes and clusters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise, repeat
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genmix_da.methods.base import JointData
from genmix_da.methods.dcc_losses import entropy_weight
from genmix_da.methods.dcc_matching import Stopping, cluster, consensus, match, search, source_of
from genmix_da.methods.dcc_step import (
    NAMES,
    ClassBlocks,
    ClusterBlocks,
    DccBatch,
    DccNetwork,
    Weights,
    dcc_step,
)
from genmix_da.methods.joint import Span, Trained, balanced_rows
from genmix_da.progress import track
from lead.epochs import Run, TargetConfig
from lead.evaluation import evaluate
from lead.schedule import set_learning_rate
from lead.seeds import derive
from lead.views import Views

# The released run stops after 3000 steps of schedules that are made for more.
_RATE_STEPS, _WEIGHT_STEPS = 10000 / 3000, 5000 / 3000
_SETTLED = 2  # equal numbers of clusters after which the number is no longer searched for

Plan = list[NDArray[np.int64]]


@dataclass(frozen=True)
class Rounds:
    """When and how the target is clustered, and what batches are made of it.

    Attributes:
        rounds: of equal length in the run; the target is clustered at the end of each.
        warmup: of them, in which the source alone is trained on; 0 clusters before the first step.
        interval: between numbers of clusters that are tried.
        most: highest of these numbers.
        drop: see `Stopping`.
        classes: in a class-aware batch, and clusters in a cluster-aware one, at most.
        per_class: images of each, of each domain; clusters with no more are matched to no class.
        gamma: of the weight of the cluster loss, see `entropy_weight`.
    """

    rounds: int
    warmup: int
    interval: int
    most: int
    drop: int
    classes: int
    per_class: int
    gamma: float

    def ends(self, total: int) -> set[int]:
        """Numbers of steps after which the target is clustered, of a run of `total` steps."""
        return {total * done // self.rounds for done in range(self.warmup, self.rounds + 1)}


class DccLearner:
    """Trains a network by DCC; see `genmix_da.methods.joint.trained_epochs`.

    Args:
        data: the network, trained in place, and the source.
        views: target images.
        config: batch of source images and the seed.
        run: how the network is optimised.
        rounds, weights: settings.
    """

    names = NAMES

    def __init__(
        self,
        data: JointData,
        views: Views,
        config: TargetConfig,
        run: Run,
        rounds: Rounds,
        weights: Weights,
    ) -> None:
        assert isinstance(data.network, DccNetwork)
        self.network, self.data, self.views, self.config = data.network, data, views, config
        self.run, self.rounds, self.weights = run, rounds, weights
        self.labels = torch.from_numpy(data.labels).to(views.device)
        # Cluster of each target image, and how many clusters were found in each round so far.
        self.clusters = np.full(len(views), -1, dtype=np.int64)
        self.history: list[int] = []

    def train(self, span: Span) -> Trained:
        """Train by the steps of an epoch, and cluster where that is due."""
        due = self.rounds.ends(span.total)
        if span.first == 0 and 0 in due:
            self.recluster()
        cuts = sorted({span.first, span.last} | {n for n in due if span.first < n < span.last})
        losses, rate, images = [], 0.0, 0
        for start, stop in pairwise(cuts):
            self.network.train()
            parts = track(self._batches(start, stop, span.total), "training", stop - start)
            for number, batch in enumerate(parts, start):
                most = round(span.total * _RATE_STEPS)
                rate = set_learning_rate(self.run.optimizer, number, most)
                losses.append(dcc_step(self.network, self.run, batch, self.weights))
                images += 0 if batch.common is None else len(batch.common.target)
                images += 0 if batch.clustered is None else len(batch.clustered.target)
            if stop in due:
                self.recluster()
        return Trained(losses, rate, images)

    def recluster(self) -> None:
        """Cluster the target, and match the clusters with the source's classes.

        The search begins at C clusters the first time, later at `interval`. Once a number came out
        twice in a row it stays, and the clusters go on from where they are.

        Raises:
            DivergedError: features are not finite.
        """
        network, classes = self.network, self.network.classifier.out_features
        both = (self.data.views, self.views)
        given, unit = (
            evaluate(network, each, precision=self.run.precision).features.cpu().numpy()
            for each in both
        )
        source = source_of(given, self.data.labels, classes)
        last = self.history[-_SETTLED:]
        if len(last) == _SETTLED and len(set(last)) == 1:
            clusters = cluster(unit, last[0], network.clusters.cpu().numpy())
            found = consensus(source, unit, clusters)
        else:
            first = self.rounds.interval if self.history else classes
            most = max(min(self.rounds.most, len(unit)), 1)
            counts = range(min(first, most), most + 1, self.rounds.interval)
            searched = search(source, unit, counts, Stopping(self.rounds.drop))
            clusters, found = searched.tried[searched.chosen]
        matching = match(clusters, found, classes, self.rounds.per_class)
        centres, pairs = clusters.unit_centres, matching.pairs
        network.remember(torch.from_numpy(centres).to(network.memory), torch.from_numpy(pairs))
        self.clusters = clusters.labels
        self.history.append(len(centres))

    def _batches(self, start: int, stop: int, total: int) -> Iterator[DccBatch]:
        """The batches of steps `start` to `stop`, between which nothing is clustered."""
        steps, seed = stop - start, self.config.seed
        torch.manual_seed(derive(seed, "dcc", start))  # dropout
        # A stream for each plan: they are loaded side by side.
        draws = [np.random.default_rng(derive(seed, f"dcc {part}", start)) for part in range(4)]
        labels = self.data.labels
        plan = balanced_rows(labels, self.config.batch_size, steps, draws[0])
        source = self.data.views.batches_of(plan, draws[0])
        common, clustered = self._common(steps, draws), self._clustered(steps, draws[3])
        for number, ((rows, images), blocks, cluster_part) in enumerate(
            zip(source, common, clustered, strict=False), start
        ):
            part = None
            if cluster_part is not None:
                gamma = self.rounds.gamma
                weight = entropy_weight(number, total * _WEIGHT_STEPS, gamma)
                part = ClusterBlocks(*cluster_part, weight)
            yield DccBatch(images, self.labels[rows], blocks, part)

    def _common(
        self, steps: int, draws: list[np.random.Generator]
    ) -> Iterator[ClassBlocks] | Iterator[None]:
        class_of = self.network.class_of.cpu().numpy()
        found = np.where(self.clusters < 0, -1, class_of[self.clusters])
        classes = np.intersect1d(found[found >= 0], self.data.labels)
        if not len(classes):
            return repeat(None)
        chosen = self._choose(classes, steps, draws[1])
        source = self._rows(self.data.labels, chosen, draws[1])
        target = self._rows(found, chosen, draws[2])
        pairs = zip(
            self.data.views.batches_of(source, draws[1]),
            self.views.batches_of(target, draws[2]),
            strict=True,
        )
        return (
            ClassBlocks(images, others, self.labels[rows], len(chosen[0]))
            for (rows, images), (_, others) in pairs
        )

    def _clustered(
        self, steps: int, draw: np.random.Generator
    ) -> Iterator[tuple[Tensor, Tensor]] | Iterator[None]:
        members = np.unique(self.clusters[self.clusters >= 0])
        if not len(members):
            return repeat(None)
        plan = self._rows(self.clusters, self._choose(members, steps, draw), draw)
        clusters = torch.from_numpy(self.clusters).to(self.views.device)
        return ((images, clusters[rows]) for rows, images in self.views.batches_of(plan, draw))

    def _choose(self, kinds: NDArray[np.int64], steps: int, draw: np.random.Generator) -> Plan:
        """Different ones of some classes or clusters for each step."""
        count = min(self.rounds.classes, len(kinds))
        return [draw.choice(kinds, count, replace=False) for _ in range(steps)]

    def _rows(self, kinds: NDArray[np.int64], chosen: Plan, draw: np.random.Generator) -> Plan:
        """Rows of each chosen kind in every step, drawn with replacement."""
        of = {int(kind): np.flatnonzero(kinds == kind) for kind in np.unique(np.stack(chosen))}
        size = self.rounds.per_class
        return [
            np.concatenate([draw.choice(of[int(kind)], size) for kind in step]) for step in chosen
        ]

    def state(self) -> dict[str, Any]:
        """The clusters of the images and how many there were; their centres are the network's."""
        return {
            "clusters": torch.from_numpy(self.clusters.copy()),
            "history": torch.tensor(self.history, dtype=torch.int64),
        }

    def resume(self, state: Mapping[str, Any]) -> None:
        """Take both over."""
        self.clusters = state["clusters"].cpu().numpy().astype(np.int64)
        self.history = state["history"].tolist()
