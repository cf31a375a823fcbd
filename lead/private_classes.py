"""How well the target's private classes are told apart: NMI of their clusters, and the H3-score.

The H-score counts all target-private classes as one, "unknown". The H3-score adds whether the
features would let somebody find the single classes among the unknown.

Source: Chang et al., "Unified Optimal Transport Framework for Universal Domain Adaptation",
NeurIPS 2022 (UniOT), https://arxiv.org/abs/2210.17067; with the constants of Deng and Jia,
"Universal Domain Adaptation from Foundation Models: A Baseline Study", 2023,
https://arxiv.org/abs/2305.11092. Written anew, without faiss.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import normalized_mutual_info_score
from torch import Tensor

STARTS = 5
ITERATIONS = 20


def private_nmi(
    features: Tensor, private_labels: NDArray[np.int64], *, seed: int = 0
) -> float | None:
    """NMI between the clusters of all target-private samples and their own classes.

    Every sample of a private class counts, whether it was rejected or not. Spherical k-means on
    their unit features, as many clusters as private classes have samples, five starts of twenty
    iterations from samples drawn at random, the most compact one kept; mutual information divided
    by the arithmetic mean of the two entropies.

    Args:
        features: [N, D] unit features of all target samples.
        private_labels: [N] each sample's own private class, from 0; -1 for shared classes.
        seed: of the starts.

    Returns:
        A fraction, or None with fewer than two private classes among the samples.
    """
    rows = np.flatnonzero(private_labels >= 0)
    labels = private_labels[rows]
    class_count = len(np.unique(labels))
    if class_count < 2:
        return None
    points = features.detach()[torch.from_numpy(rows).to(features.device)].float()
    clusters = spherical_kmeans(points, class_count, seed=seed)
    # Rounding may leave it a little above 1.
    return min(float(normalized_mutual_info_score(labels, clusters)), 1.0)


@torch.no_grad()
def spherical_kmeans(points: Tensor, cluster_count: int, *, seed: int = 0) -> NDArray[np.int64]:
    """Clusters [M] of unit vectors [M, D] by cosine; the best of `STARTS` random starts.

    Deterministic on the CPU, whatever the number of threads.

    Args:
        points: of unit length.
        cluster_count: K, at most M.
        seed: of the starts.
    """
    draw = np.random.default_rng(seed)
    best, labels = -np.inf, torch.zeros(len(points), dtype=torch.int64)
    with _one_thread(points.device):
        for _ in range(STARTS):
            first = draw.choice(len(points), cluster_count, replace=False)
            found, compactness = _lloyd(points, points[torch.from_numpy(first).to(points.device)])
            if compactness > best:
                best, labels = compactness, found
    return np.asarray(labels.cpu().numpy(), dtype=np.int64)


def _lloyd(points: Tensor, centres: Tensor) -> tuple[Tensor, float]:
    """Labels [M] and their compactness (sum of cosines) after at most `ITERATIONS` iterations."""
    labels = torch.full((len(points),), -1, device=points.device)
    similarity = points @ centres.T
    for _ in range(ITERATIONS):
        found = similarity.argmax(dim=1)
        if torch.equal(found, labels):
            break
        labels = found
        # As a product: summing by index has no fixed order on CUDA.
        members = torch.nn.functional.one_hot(labels, len(centres)).to(points.dtype)
        empty = members.sum(dim=0) == 0
        centres = torch.nn.functional.normalize(members.T @ points, dim=1)
        if empty.any():  # give them the samples that fit worst where they are
            fit = similarity.max(dim=1).values
            centres[empty] = points[fit.argsort(stable=True)[: int(empty.sum())]]
        similarity = points @ centres.T
    best = similarity.max(dim=1)
    return best.indices, float(best.values.double().sum())


@contextmanager
def _one_thread(device: torch.device) -> Iterator[None]:
    """With several threads the last bits of a product hang on their number."""
    if device.type != "cpu":
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
