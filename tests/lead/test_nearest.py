"""Nearest neighbours against a search of every pair."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import lead.nearest
from lead.nearest import Neighbours


def unit(points: np.ndarray) -> np.ndarray:
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


def scattered(count: int, width: int, seed: int = 0) -> np.ndarray:
    return unit(np.random.default_rng(seed).normal(size=(count, width)))


def clustered(count: int, width: int = 32, clusters: int = 40, seed: int = 0) -> np.ndarray:
    """Unit points around directions of their own, as features of classes are."""
    draw = np.random.default_rng(seed)
    centres = 2 * draw.normal(size=(clusters, width))
    return unit(centres[draw.integers(clusters, size=count)] + draw.normal(size=(count, width)))


def brute_force(points: np.ndarray, queries: np.ndarray, count: int) -> np.ndarray:
    product = queries.astype(np.float64) @ points.astype(np.float64).T
    return np.argsort(-product, axis=1)[:, :count]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("count", "width", "wanted"), [(50, 3, 1), (200, 16, 11), (90, 64, 90)])
def test_exact_search_equals_brute_force(count: int, width: int, wanted: int, seed: int) -> None:
    points, queries = scattered(count, width, seed), scattered(30, width, seed + 100)
    found = Neighbours(points).search(queries, wanted)
    assert found.dtype == np.int64
    assert np.array_equal(found, brute_force(points, queries, wanted))


def test_it_is_the_inner_product_and_not_the_distance() -> None:
    points = np.array([[1, 0], [10, 1], [0, 2]], dtype=np.float32)
    assert Neighbours(points).search(points[:1], 3).tolist() == [[1, 0, 2]]


def test_queries_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    points, queries = scattered(60, 8), scattered(25, 8, seed=1)
    monkeypatch.setattr(lead.nearest, "_BLOCK", 7)
    found = Neighbours(points).search(queries, 5)
    assert np.array_equal(found, brute_force(points, queries, 5))


@pytest.mark.parametrize("seed", range(2))
def test_inverted_file_finds_nearly_all(seed: int) -> None:
    points = clustered(3000, seed=seed)
    searched = Neighbours(points, exact=False)
    assert not searched.exact
    found, true = searched.search(points, 11), brute_force(points, points, 11)
    shared = sum(len(set(a) & set(b)) for a, b in zip(found, true, strict=True))
    assert shared >= 0.95 * true.size


def test_inverted_file_is_the_same_each_time() -> None:
    points = clustered(1000)
    first, second = (Neighbours(points, exact=False).search(points, 11) for _ in range(2))
    assert np.array_equal(first, second)


def test_inverted_file_of_a_few_points_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    points = scattered(5, 4)
    found = Neighbours(points, exact=False).search(points, 3)
    assert np.array_equal(found, brute_force(points, points, 3))
    assert capfd.readouterr() == ("", "")


def test_too_few_in_the_lists_are_minus_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lead.nearest, "_PROBES", 1)
    points = clustered(400)
    found = Neighbours(points, exact=False).search(points, 400)
    assert found.shape == (400, 400)
    assert (found == -1).any(axis=1).all()
    assert (found[:, 0] >= 0).all()


@pytest.mark.parametrize("seed", range(2))
def test_all_among_themselves(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lead.nearest, "_BLOCK", 50)
    points = clustered(3000, seed=seed)
    true = brute_force(points, points, 11)
    # The product of doubles decides a near tie otherwise than that of floats now and then.
    assert (Neighbours(points).among(11) != true).sum() <= 4
    found = Neighbours(points, exact=False).among(11)
    assert (found[:, 0] == np.arange(3000)).mean() > 0.999  # each is the nearest to itself
    shared = sum(len(set(a) & set(b)) for a, b in zip(found, true, strict=True))
    assert shared >= 0.95 * true.size
    assert all(len(set(row)) == 11 for row in found)
    assert np.array_equal(found, Neighbours(points, exact=False).among(11))


def test_fewer_among_themselves_than_asked_for_are_minus_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lead.nearest, "_LISTS", 1)
    found = Neighbours(clustered(400), exact=False).among(500)
    assert found.shape == (400, 400)
    assert (found == -1).any(axis=1).all()
    assert (found[:, 0] >= 0).all()


@pytest.mark.parametrize(("count", "exact"), [(10, True), (11, False)])
def test_the_limit_decides_unless_told(
    count: int, exact: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lead.nearest, "EXACT_LIMIT", 10)
    points = scattered(count, 4)
    assert Neighbours(points).exact is exact
    assert Neighbours(points, exact=True).exact
    assert not Neighbours(points, exact=False).exact


@pytest.mark.parametrize("exact", [True, False])
def test_more_than_there_are(exact: bool) -> None:
    points = scattered(4, 3)
    found = Neighbours(points, exact=exact).search(points, 10)
    assert np.array_equal(found, brute_force(points, points, 4))


@pytest.mark.parametrize(("points", "queries", "shape"), [(6, 0, (0, 3)), (0, 2, (2, 0))])
def test_without_queries_or_points_nothing_is_found(
    points: int, queries: int, shape: tuple[int, int]
) -> None:
    found = Neighbours(np.ones((points, 4), dtype=np.float32)).search(
        np.ones((queries, 4), dtype=np.float32), 3
    )
    assert found.shape == shape
    assert found.dtype == np.int64


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_finds_what_the_cpu_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lead.nearest, "_BLOCK", 64)
    points, queries = scattered(300, 16), scattered(150, 16, seed=1)
    searched = Neighbours(points, torch.device("cuda"), exact=False)
    assert searched.exact
    assert np.array_equal(searched.search(queries, 11), brute_force(points, queries, 11))
