"""Pseudo-labels and the test rule of SHOT in open-set mode (Liang et al., ICML 2020).

Two clusters of the normalised entropy tell known from unknown samples; the known ones are labelled
by their nearest class centroid, in two rounds. Re-implementation; verified against the authors'
released code (MIT).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans

LOG_EPSILON = 1e-5
DISTANCES = ("cosine", "euclidean")
_WEIGHT_EPSILON = 1e-8

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Split:
    """Known and unknown samples by entropy.

    Attributes:
        entropy: [N] normalised, float32.
        centres: (low, high) of the two clusters.
        is_unknown: [N] bool: nearer to the high one.
    """

    entropy: Floats
    centres: tuple[float, float]
    is_unknown: NDArray[np.bool_]


@dataclass(frozen=True)
class Round:
    """One assignment of the known samples.

    Attributes:
        centroids: [C, E] of all classes.
        distances: [M, K] of the known samples to the centroids of the kept classes.
        label: [M] class.
    """

    centroids: Floats
    distances: Floats
    label: NDArray[np.int64]


@dataclass(frozen=True)
class CentroidLabels:
    """Pseudo-labels of N target samples, M of them known.

    Attributes:
        split: known from unknown.
        embedding: [M, E] of the known samples, as distances are measured.
        counts: [C] known samples whose most probable class it is.
        kept: [K] classes with more of them than the threshold.
        rounds: the two assignments.
        label: [N] class, C where unknown.
    """

    split: Split
    embedding: Floats
    counts: Floats
    kept: NDArray[np.int64]
    rounds: tuple[Round, Round]
    label: NDArray[np.int64]


def split_by_entropy(probability: Floats, centres: tuple[float, float] | None = None) -> Split:
    """Two clusters of the normalised entropy; the higher one is unknown. Also the test rule.

    Args:
        probability: [N, C].
        centres: to take instead of those that k-means finds (scikit-learn, one start from
            random_state 0, as the released code does today: its default was ten starts once).

    Returns:
        The split; nothing is unknown where all entropies are equal.
    """
    own = -(probability * np.log(probability + LOG_EPSILON)).sum(axis=1)
    entropy = own / np.log(probability.shape[1])
    if centres is None:
        if np.ptp(entropy) == 0:
            value = float(entropy[0])
            return Split(entropy, (value, value), np.zeros(len(entropy), dtype=bool))
        found = KMeans(n_clusters=2, random_state=0, n_init=1).fit(entropy.reshape(-1, 1))
        low, high = sorted(float(centre) for centre in found.cluster_centers_.ravel())
    else:
        low, high = centres
    nearer = np.abs(entropy - high) < np.abs(entropy - low)
    return Split(entropy, (low, high), nearer)


def centroid_labels(
    features: Floats,
    probability: Floats,
    *,
    distance: str = "cosine",
    threshold: int = 0,
    centres: tuple[float, float] | None = None,
) -> CentroidLabels:
    """Label the target; see the module.

    Args:
        features: [N, D] raw embeddings.
        probability: [N, C].
        distance: "cosine", with a 1 appended to the features, or "euclidean".
        threshold: classes need more confident samples than this (0 open-set, 10 partial).
        centres: see `split_by_entropy`.

    Raises:
        ValueError: unknown distance.
    """
    if distance not in DISTANCES:
        raise ValueError(f"unknown distance {distance!r}; choose one of {', '.join(DISTANCES)}")
    classes = probability.shape[1]
    split = split_by_entropy(probability, centres)
    known = ~split.is_unknown
    weights, embedding = probability[known], features[known]
    if distance == "cosine":
        ones = np.ones((len(embedding), 1), dtype=embedding.dtype)
        embedding = np.concatenate([embedding, ones], axis=1)
        embedding = embedding / np.linalg.norm(embedding, axis=1, keepdims=True)
    counts = np.bincount(weights.argmax(axis=1), minlength=classes).astype(np.float64)
    kept = np.flatnonzero(counts > threshold)
    label = np.full(len(features), classes, dtype=np.int64)
    first = _assign(embedding, weights, kept, distance)
    second = _assign(embedding, np.eye(classes)[first.label], kept, distance)
    label[known] = second.label
    return CentroidLabels(split, embedding, counts, kept, (first, second), label)


def _assign(embedding: Floats, weights: Floats, kept: NDArray[np.int64], distance: str) -> Round:
    """Centroids as weighted means, and the nearest kept one of every sample."""
    centroids = weights.T @ embedding / (_WEIGHT_EPSILON + weights.sum(axis=0)[:, None])
    distances = cdist(embedding, centroids[kept], distance)
    nearest = distances.argmin(axis=1) if len(kept) else np.zeros(0, dtype=np.int64)
    return Round(centroids, distances, kept[nearest])
