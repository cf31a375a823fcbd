"""Clusters of the target and their consensus with source classes (DCC, Li et al., CVPR 2021).

Class i and cluster j are a pair where each is the other's nearest. A pair's consensus is the share
of the cluster's samples nearest to class i and the share of the class's samples nearest to cluster
j; the number of clusters is searched for by its mean. Re-implementation; verified against arrays of
the authors' released code (MIT).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

Floats = NDArray[np.floating]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Source:
    """Source samples of C classes.

    Attributes:
        unit: [M, D] unit features.
        labels: [M].
        centres: [C, D] unit means of the classes; 0 for a class without samples.
    """

    unit: Floats
    labels: Ints
    centres: Floats

    def similarity(self, points: Floats) -> Floats:
        """[P, C] products of points [P, D] with the centres; -inf for classes without samples."""
        present = np.bincount(self.labels, minlength=len(self.centres)) > 0
        return np.where(present, points @ self.centres.T, -np.inf)


@dataclass(frozen=True)
class Clusters:
    """K clusters of N target samples, none of them empty.

    Attributes:
        centres: [K, D] raw means.
        labels: [N].
    """

    centres: Floats
    labels: Ints

    @property
    def unit_centres(self) -> Floats:
        """[K, D] of unit length."""
        return _unit(self.centres)


@dataclass(frozen=True)
class Consensus:
    """P pairs of a class and a cluster.

    Attributes:
        pairs: [P, 2] class and cluster, by class.
        shares: [P, 2] of the cluster's samples nearest to the class, and of the class's nearest to
            the cluster.
    """

    pairs: Ints
    shares: Floats

    @property
    def score(self) -> float:
        """Mean of all shares; 0 without pairs."""
        return float(self.shares.mean()) if len(self.shares) else 0.0

    def by_class(self, class_count: int) -> Floats:
        """[C] mean share of each class, 0 without a cluster."""
        found = np.zeros(class_count)
        found[self.pairs[:, 0]] = self.shares.mean(axis=1)
        return found


@dataclass(frozen=True)
class Stopping:
    """When the search ends before it has tried all counts.

    Attributes:
        drop: scores that are looked at; at least 2.
        consecutive: stop where each of the last `drop` scores is no higher than the one before it;
            else where all of them but one, or all, are no higher than their first (which counts
            itself).
        stop: False tries all counts.
    """

    drop: int = 4
    consecutive: bool = True
    stop: bool = True

    def ends(self, scores: Sequence[float]) -> bool:
        """Whether the search ends with these scores."""
        last = scores[-self.drop :]
        if not self.stop or len(last) < self.drop:
            return False
        if self.consecutive:
            return all(later <= earlier for earlier, later in pairwise(last))
        return sum(score <= last[0] for score in last) >= self.drop - 1


@dataclass(frozen=True)
class Search:
    """Clusterings that were tried, and which was chosen.

    Attributes:
        counts: of clusters that were asked for.
        tried: what came out, in their order.
        chosen: place of the choice.
    """

    counts: tuple[int, ...]
    tried: tuple[tuple[Clusters, Consensus], ...]
    chosen: int


@dataclass(frozen=True)
class Matching:
    """Which samples belong to a class that both domains have.

    Attributes:
        pairs: [P, 2] class and cluster of the kept pairs.
        shares: [P, 2], see `Consensus`.
        label: [N] class of each target sample, -1 outside the kept clusters.
        source_private: classes without a kept pair.
    """

    pairs: Ints
    shares: Floats
    label: Ints
    source_private: Ints

    @property
    def common(self) -> Ints:
        """The classes of the pairs."""
        return self.pairs[:, 0]


def source_of(unit: Floats, labels: Ints, class_count: int) -> Source:
    """Source samples with their centres.

    Args:
        unit: [M, D] unit features.
        labels: [M].
        class_count: C.
    """
    sums = np.zeros((class_count, unit.shape[1]), dtype=unit.dtype)
    np.add.at(sums, labels, unit)
    return Source(unit, labels, _unit(sums))


def _unit(rows: Floats) -> Floats:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(length > 0, length, 1.0), dtype=rows.dtype)


def cluster(unit: Floats, count: int, start: Floats | None = None) -> Clusters:
    """K-means (scikit-learn, random_state 0, one start).

    Args:
        unit: [N, D].
        count: of clusters; fewer come out where there are fewer different samples.
        start: [count, D] centres to start from.
    """
    count = min(count, len(unit))
    init = "k-means++" if start is None else start[:count].astype(unit.dtype)
    with warnings.catch_warnings(), threadpool_limits(limits=1):
        # Fewer different points than clusters: some clusters are empty, and left out below.
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = KMeans(n_clusters=count, init=init, random_state=0, n_init=1).fit(unit)
    members, labels = np.unique(fitted.labels_, return_inverse=True)
    return Clusters(fitted.cluster_centers_[members], labels.astype(np.int64))


def consensus(source: Source, unit: Floats, clusters: Clusters) -> Consensus:
    """Pairs of classes and clusters, and how far the samples of both agree with them.

    Args:
        source: source samples.
        unit: [N, D] unit features of the target.
        clusters: of them.
    """
    centres = clusters.unit_centres
    near = source.similarity(centres)  # [K, C]
    of_class, of_cluster = near.argmax(axis=0), near.argmax(axis=1)
    classes = np.flatnonzero(of_cluster[of_class] == np.arange(near.shape[1]))
    pairs = np.stack([classes, of_class[classes]], axis=1)
    source_side = (source.unit @ centres.T).argmax(axis=1)
    target_side = source.similarity(unit).argmax(axis=1)
    shares = [
        (
            np.mean(target_side[clusters.labels == found] == label),
            np.mean(source_side[source.labels == label] == found),
        )
        for label, found in pairs
    ]
    return Consensus(pairs, np.array(shares).reshape(-1, 2))


def search(
    source: Source, unit: Floats, counts: Sequence[int], stopping: Stopping | None = None
) -> Search:
    """Try numbers of clusters until the consensus falls.

    The choice is then where it began to fall (its place is counted back from the end), without
    such an end the first best one.

    Args:
        source: source samples.
        unit: [N, D] unit features of the target.
        counts: of clusters to try, in order; at least one.
        stopping: when to end early.
    """
    stopping = stopping or Stopping()
    tried: list[tuple[Clusters, Consensus]] = []
    scores: list[float] = []
    for count in counts:
        clusters = cluster(unit, count)
        tried.append((clusters, consensus(source, unit, clusters)))
        scores.append(tried[-1][1].score)
        if stopping.ends(scores):
            chosen = len(tried) - stopping.drop
            break
    else:
        chosen = int(np.argmax(scores))
    return Search(tuple(counts[: len(tried)]), tuple(tried), chosen)


def match(clusters: Clusters, found: Consensus, class_count: int, smallest: int) -> Matching:
    """Label the target by its pairs.

    Args:
        clusters: of the target.
        found: their pairs.
        class_count: C.
        smallest: pairs whose cluster has no more samples than this are dropped.
    """
    sizes = np.bincount(clusters.labels, minlength=len(clusters.centres))
    kept = sizes[found.pairs[:, 1]] > smallest
    pairs = found.pairs[kept]
    class_of = np.full(len(clusters.centres), -1, dtype=np.int64)
    class_of[pairs[:, 1]] = pairs[:, 0]
    private = np.setdiff1d(np.arange(class_count), pairs[:, 0])
    return Matching(pairs, found.shares[kept], class_of[clusters.labels], private)
