"""How many clusters the target has: C_t (LEAD, CVPR 2024, Sec. 3.3).

C_t = coefficient * C for the coefficient whose k-means clustering has the best silhouette. The
released code clusters a two-dimensional t-SNE map; that is the default ("tsne"). It takes nearly
all of the pseudo-labelling time and more than linearly so with the samples: "landmarks" maps a
sample of fixed size, and "features" clusters the unit features themselves. What was measured of
them: docs/fidelity.md, docs/results/scale.md.
Re-implementation; verified against the authors' released code (MIT).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from lead.kmeans import kmeans
from lead.large import blocks

COEFFICIENTS: tuple[float, ...] = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0)
ESTIMATORS: tuple[str, ...] = ("tsne", "landmarks", "features")
LANDMARKS = 2000
TSNE_PERPLEXITY = 30.0
_NO_SPREAD = 1e-6  # unit features closer than this are one point; t-SNE crashes on one point


@dataclass(frozen=True)
class ClusterEstimate:
    """The search for C_t.

    Attributes:
        coefficient: the winning multiple of C.
        cluster_counts: k-means cluster count of every candidate.
        silhouettes: silhouette of every candidate in [-1, 1]; NaN where it is not defined.
    """

    coefficient: float
    cluster_counts: tuple[int, ...]
    silhouettes: tuple[float, ...]


def candidate_counts(
    class_count: int, coefficients: Sequence[float] = COEFFICIENTS
) -> tuple[int, ...]:
    """K-means cluster counts that are tried: max(int(C * coefficient), 2)."""
    return tuple(max(int(class_count * coefficient), 2) for coefficient in coefficients)


def effective_cluster_count(class_count: int, coefficient: float) -> int:
    """C_t = int(C * coefficient), at least 1.

    The released code divides by zero where this is 0 (coefficient 0.25 with 2 or 3 classes).
    """
    return max(int(class_count * coefficient), 1)


def estimation_subset(sample_count: int) -> NDArray[np.int64]:
    """The third of the samples used on large targets (VisDA-C), in the released order.

    Numpy's legacy generator with seed 2021, choice without replacement: floor(N / 3) rows.
    """
    chosen = np.random.RandomState(2021).choice(sample_count, sample_count // 3, replace=False)
    return np.asarray(chosen, dtype=np.int64)


def landmarks(sample_count: int) -> NDArray[np.int64]:
    """Rows [min(N, `LANDMARKS`)] that stand for all N, in order; all of them where they are few."""
    if sample_count <= LANDMARKS:
        return np.arange(sample_count)
    drawn = np.random.default_rng(2021).choice(sample_count, LANDMARKS, replace=False)
    return np.sort(drawn)


def embed_2d(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """T-SNE map as in the released code: PCA start, random_state 0, perplexity 30.

    With 30 samples or fewer, where the released code stops with an error, the perplexity is
    (M - 1) / 3.

    Args:
        features: [M, D], M >= 3.

    Returns:
        [M, 2].
    """
    from sklearn.manifold import TSNE  # here: it is a second of the start

    count = len(features)
    perplexity = TSNE_PERPLEXITY if count > TSNE_PERPLEXITY else max((count - 1) / 3, 1.0)
    tsne = TSNE(n_components=2, init="pca", random_state=0, perplexity=perplexity)
    return np.asarray(tsne.fit_transform(features), dtype=np.float32)


def cluster(points: NDArray[np.float32], cluster_count: int) -> NDArray[np.int32]:
    """K-means labels [M] of points [M, K]: random_state 0, one start."""
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        # Fewer distinct points than clusters: the labels are still right, there are just fewer.
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = KMeans(n_clusters=cluster_count, random_state=0, n_init=1).fit(points)
    return np.asarray(fitted.labels_, dtype=np.int32)


def candidate_silhouette(points: NDArray[np.float32], cluster_count: int) -> float:
    """Silhouette of one clustering of points [M, K].

    NaN where 2 <= clusters < samples does not hold.
    """
    if cluster_count >= len(points):
        return float("nan")
    return _silhouette(points, cluster(points, cluster_count))


def feature_silhouettes(
    features: NDArray[np.float32], cluster_counts: Iterable[int]
) -> dict[int, float]:
    """Silhouette of each clustering of features [M, D] by faiss, see `candidate_silhouette`.

    Of at most `LANDMARKS` samples, for it takes the square of their number; their distances are the
    same for every clustering.
    """
    from sklearn.metrics import pairwise_distances

    rows = landmarks(len(features))
    distances = pairwise_distances(features[rows]).astype(np.float64)
    found = {}
    for count in cluster_counts:
        found[count] = float("nan")
        if count < len(features):
            labels = kmeans(features, count, spread=True).labels[rows]
            found[count] = silhouette_of_distances(distances, labels)
    return found


def silhouette_of_distances(
    distances: NDArray[np.float64], labels: NDArray[np.integer[Any]]
) -> float:
    """Mean silhouette (Rousseeuw 1987), as scikit-learn's `silhouette_score` with "precomputed".

    That one goes through the samples one by one, which was half of the estimate; here the sums
    of distances to all clusters are one product.

    Args:
        distances: [M, M].
        labels: [M].

    Returns:
        In [-1, 1]; NaN where 2 <= clusters < samples does not hold.
    """
    kinds, own, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    if not 2 <= len(kinds) < len(labels):
        return float("nan")
    sums = distances @ np.eye(len(kinds))[own]  # [M, K]
    rows, alone = np.arange(len(own)), sizes[own] == 1
    inside = sums[rows, own] / np.maximum(sizes[own] - 1, 1)
    means = sums / sizes
    means[rows, own] = np.inf
    outside = means.min(axis=1)
    larger = np.maximum(inside, outside)
    # A cluster of one has no inside: 0; so have samples that coincide with both clusters.
    apart = np.where(alone | (larger == 0), 0.0, outside - inside)
    return float(np.mean(apart / np.where(larger == 0, 1.0, larger)))


def _silhouette(points: NDArray[np.float32], labels: NDArray[np.integer[Any]]) -> float:
    if not 2 <= len(np.unique(labels)) < len(points):
        return float("nan")
    from sklearn.metrics import silhouette_score

    return float(silhouette_score(points, labels))


def best_coefficient(
    silhouettes: Sequence[float],
    previous: float = 1.0,
    coefficients: Sequence[float] = COEFFICIENTS,
) -> float:
    """First coefficient with the highest silhouette above 0, else the previous one."""
    best, chosen = 0.0, previous
    for coefficient, silhouette in zip(coefficients, silhouettes, strict=True):
        if silhouette > best:  # False for NaN
            best, chosen = silhouette, coefficient
    return chosen


def estimate_clusters(
    features: NDArray[np.float32],
    class_count: int,
    *,
    estimator: str = "tsne",
    subsample: bool = False,
    previous: float = 1.0,
    coefficients: Sequence[float] = COEFFICIENTS,
) -> ClusterEstimate:
    """Choose the multiple of C whose clustering of the target has the best silhouette.

    Args:
        features: [N, D] unit features.
        class_count: C, classes the classifier knows.
        estimator: "tsne" (published), "landmarks" (the same of at most `LANDMARKS` samples) or
            "features" (k-means on the features themselves).
        subsample: estimate on a third of the samples, as published for VisDA-C.
        previous: coefficient kept where no candidate has a silhouette above 0.
        coefficients: the candidates.

    Returns:
        The estimate. With fewer than 3 samples, or samples that are all alike (a collapsed
        network), nothing can be clustered: every silhouette is NaN and `previous` is returned.

    Raises:
        ValueError: unknown estimator, or features that are not finite.
    """
    if estimator not in ESTIMATORS:
        raise ValueError(f"unknown estimator {estimator!r}; choose one of {', '.join(ESTIMATORS)}")
    finite = [np.isfinite(features[part]).all(axis=1) for part in blocks(len(features))]
    rows = np.flatnonzero(~np.concatenate([*finite, np.empty(0, bool)]))
    if len(rows):
        raise ValueError(f"{len(rows)} feature rows are not finite, the first is row {rows[0]}")
    counts = candidate_counts(class_count, coefficients)
    if subsample:
        features = features[estimation_subset(len(features))]
    if estimator == "landmarks":
        features = features[landmarks(len(features))]
    if len(features) < 3 or np.ptp(features, axis=0).max() < _NO_SPREAD:
        return ClusterEstimate(previous, counts, (float("nan"),) * len(counts))
    two_or_more = features.shape[1] >= 2  # t-SNE starts from two principal components
    # One thread: with more the t-SNE map depends on their timing, and beside other busy processes
    # it is ten times slower.
    with threadpool_limits(1):
        # Small C maps several coefficients to one count; cluster each count once.
        tried = sorted(set(counts))
        if estimator == "features" or not two_or_more:
            by_count = feature_silhouettes(features, tried)
        else:
            points = embed_2d(features)
            by_count = {count: candidate_silhouette(points, count) for count in tried}
    silhouettes = tuple(by_count[count] for count in counts)
    chosen = best_coefficient(silhouettes, previous, coefficients)
    return ClusterEstimate(chosen, counts, silhouettes)
