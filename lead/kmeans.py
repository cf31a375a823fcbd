"""K-means by faiss, deterministic: one thread and a fixed seed.

Source: Johnson et al., "Billion-scale similarity search with GPUs", IEEE Trans. Big Data 2021.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

ITERATIONS = 20


@dataclass(frozen=True)
class KMeans:
    """A clustering of M samples.

    Attributes:
        labels: [M] the cluster of each, from 0; some may have no sample.
        centres: [K, D].
    """

    labels: NDArray[np.int64]
    centres: NDArray[np.float32]


def kmeans(
    points: NDArray[np.float32],
    count: int,
    *,
    iterations: int = ITERATIONS,
    starts: int = 1,
    spherical: bool = False,
    most: int | None = None,
    spread: bool = False,
    seed: int = 1234,
) -> KMeans:
    """Cluster points [M, D].

    Args:
        points: at least as many as clusters.
        count: K, at least 1.
        iterations: of Lloyd's algorithm, for each start.
        starts: from samples drawn at random; the best of them is kept. Has no effect with `spread`.
        spherical: by cosine, of unit vectors, with centres of unit length; else by distance.
        most: samples a cluster that take part, drawn at random where there are more; None: all.
        spread: begin with samples that lie apart (k-means++).
        seed: of what is drawn; faiss's own where nothing else is said.

    Raises:
        ValueError: fewer points than clusters, or none are asked for.
    """
    if not 1 <= count <= len(points):
        raise ValueError(f"{len(points)} points in {count} clusters")
    import faiss

    points = np.ascontiguousarray(points, dtype=np.float32)
    with _one_thread(faiss):
        search = faiss.Kmeans(
            points.shape[1],
            count,
            niter=iterations,
            nredo=starts,
            spherical=spherical,
            seed=seed,
            min_points_per_centroid=1,  # else it warns
            max_points_per_centroid=most or len(points),
            gpu=False,
        )
        search.train(points, init_centroids=_apart(points, count, seed) if spread else None)
        labels = search.assign(points)[1]
    return KMeans(labels.astype(np.int64), np.asarray(search.centroids, dtype=np.float32))


def _apart(points: NDArray[np.float32], count: int, seed: int) -> NDArray[np.float32]:
    from sklearn.cluster import kmeans_plusplus  # here: it is a second of the start

    found: NDArray[np.float32] = kmeans_plusplus(points, count, random_state=seed)[0]
    return found


@contextmanager
def _one_thread(faiss: Any) -> Iterator[None]:
    """With several threads the last bits of a product hang on their number."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
