"""K-means by faiss."""

from __future__ import annotations

import faiss
import numpy as np
import pytest

from lead.kmeans import kmeans


def blobs(kinds: int, each: int, spread: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    """[N, 8] points around corners far apart, and which they belong to."""
    labels = np.repeat(np.arange(kinds), each)
    noise = np.random.default_rng(0).normal(size=(len(labels), 8)) * spread
    return (10 * np.eye(8)[labels] + noise).astype(np.float32), labels


@pytest.mark.parametrize("spherical", [False, True])
def test_blobs_are_found(spherical: bool) -> None:
    points, labels = blobs(5, 20)
    if spherical:
        points /= np.linalg.norm(points, axis=1, keepdims=True)
    found = kmeans(points, 5, spherical=spherical, spread=True)
    assert len(set(zip(labels, found.labels, strict=True))) == 5 == len(set(found.labels))
    for cluster in range(5):
        mean = points[found.labels == cluster].mean(axis=0)
        if spherical:
            mean /= np.linalg.norm(mean)
        np.testing.assert_allclose(found.centres[cluster], mean, atol=1e-4)


def test_same_whatever_the_threads_which_are_given_back() -> None:
    points = np.random.default_rng(0).normal(size=(3000, 16)).astype(np.float32)
    before = faiss.omp_get_max_threads()
    try:
        found = []
        for threads in (1, 2):
            faiss.omp_set_num_threads(threads)
            found.append(kmeans(points, 20, starts=2))
            assert faiss.omp_get_max_threads() == threads
    finally:
        faiss.omp_set_num_threads(before)
    assert np.array_equal(found[0].labels, found[1].labels)
    assert np.array_equal(found[0].centres, found[1].centres)
    assert not np.array_equal(kmeans(points, 20, seed=7).labels, found[0].labels)


def test_each_is_in_the_cluster_of_its_nearest_centre_also_those_left_out() -> None:
    points = np.random.default_rng(0).normal(size=(500, 4)).astype(np.float32)
    found = kmeans(points, 3, most=20)
    distance = ((points[:, None] - found.centres) ** 2).sum(axis=2)
    assert np.array_equal(found.labels, distance.argmin(axis=1))
    assert not np.array_equal(found.centres, kmeans(points, 3).centres)


def test_as_many_clusters_as_points_and_points_that_are_all_alike() -> None:
    points, _ = blobs(4, 1)
    assert sorted(kmeans(points, 4).labels) == [0, 1, 2, 3]
    assert np.isfinite(kmeans(np.ones((9, 3), dtype=np.float32), 3).centres).all()


@pytest.mark.parametrize("count", [0, 5])
def test_no_clusters_or_more_than_points(count: int) -> None:
    with pytest.raises(ValueError, match=f"4 points in {count} clusters"):
        kmeans(np.zeros((4, 2), dtype=np.float32), count)
