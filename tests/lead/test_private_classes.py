"""NMI of the private classes' clusters, and the H3-score."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
import torch
from sklearn.metrics import normalized_mutual_info_score

import lead.scores
from lead.kmeans import kmeans
from lead.private_classes import STARTS, private_nmi
from lead.scores import empty_block, h3_score, score_block


def clouds(spread: float, classes: int = 4, each: int = 30) -> tuple[torch.Tensor, np.ndarray]:
    """Unit features of classes around orthogonal directions; [N, 16] and their classes."""
    labels = np.repeat(np.arange(classes), each)
    noise = np.random.default_rng(0).normal(size=(len(labels), 16)) * spread
    points = torch.from_numpy(np.eye(16)[labels] + noise).float()
    return torch.nn.functional.normalize(points, dim=1), labels


def clusters(points: torch.Tensor, count: int) -> np.ndarray:
    return kmeans(points.numpy(), count, starts=STARTS, spherical=True, seed=0).labels


def test_h3_is_the_harmonic_mean_of_three() -> None:
    assert h3_score(0.8, 0.6, 0.5) == pytest.approx(3 / (1 / 0.8 + 1 / 0.6 + 1 / 0.5), abs=1e-4)
    assert h3_score(1.0, 1.0, 1.0) == pytest.approx(1.0, abs=2e-5)
    assert 0 <= (h3_score(0.0, 0.9, 0.9) or 0) < 1e-4
    for missing in ((None, 0.5, 0.5), (0.5, None, 0.5), (0.5, 0.5, None)):
        assert h3_score(*missing) is None
    assert doctest.testmod(lead.scores).failed == 0


def test_classes_that_lie_apart_are_found() -> None:
    points, labels = clouds(0.05)
    assert private_nmi(points, labels) == pytest.approx(1.0)


def test_it_is_the_nmi_of_the_clusters() -> None:
    points, labels = clouds(0.4)
    found = private_nmi(points, labels)
    expected = normalized_mutual_info_score(labels, clusters(points, 4))
    assert found == pytest.approx(expected)
    assert 0.1 < found < 0.99


def test_shared_samples_do_not_count() -> None:
    points, labels = clouds(0.3)
    more = torch.nn.functional.normalize(torch.randn(50, 16), dim=1)
    together = torch.cat([more, points])
    own = np.concatenate([np.full(50, -1), labels])
    assert private_nmi(together, own) == private_nmi(points, labels)


def test_names_of_the_classes_do_not_matter() -> None:
    points, labels = clouds(0.3)
    assert private_nmi(points, labels) == private_nmi(points, 10 * labels + 7)


@pytest.mark.parametrize("own", [[-1, -1, -1], [0, 0, -1], []])
def test_fewer_than_two_private_classes_have_none(own: list[int]) -> None:
    points = torch.nn.functional.normalize(torch.randn(len(own), 4), dim=1)
    assert private_nmi(points, np.array(own, dtype=np.int64)) is None


def test_as_many_samples_as_classes() -> None:
    assert private_nmi(torch.eye(3), np.arange(3)) == pytest.approx(1.0)


def test_samples_that_are_all_alike() -> None:
    points = torch.eye(4)[:1].repeat(6, 1)
    assert 0 <= private_nmi(points, np.array([0, 0, 1, 1, 2, 2])) <= 1


def test_same_seed_same_number_whatever_the_threads() -> None:
    points, labels = clouds(0.45, classes=8, each=100)
    before = torch.get_num_threads()
    try:
        found = []
        for threads in (1, 2, 1):
            torch.set_num_threads(threads)
            found.append(private_nmi(points, labels))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert len(set(found)) == 1


def test_the_best_start_is_kept() -> None:
    points, _ = clouds(0.4, classes=8)

    def compactness(labels: np.ndarray) -> float:
        return sum(float(points[torch.from_numpy(labels == k)].sum(dim=0).norm()) for k in range(8))

    def lloyd(seed: int) -> float:
        """One start of the textbook algorithm, in numpy."""
        x = points.numpy()
        c = x[np.random.default_rng(seed).choice(len(x), 8, replace=False)]
        for _ in range(50):
            a = (x @ c.T).argmax(1)
            c = np.stack([x[a == k].sum(0) if (a == k).any() else c[k] for k in range(8)])
            c /= np.linalg.norm(c, axis=1, keepdims=True)
        return compactness(a)

    single = [lloyd(seed) for seed in range(20)]
    assert compactness(clusters(points, 8)) > np.median(single)


def test_the_block_holds_both() -> None:
    probability = torch.tensor([[0.98, 0.02], [0.5, 0.5], [0.5, 0.5]])
    labels = np.array([0, 2, 2])
    block = score_block(probability, labels, [0, 2], open_set=True, nmi=0.5)
    assert block["nmi"] == 0.5
    expected = h3_score(block["known_accuracy"], block["unknown_accuracy"], 0.5)
    assert block["h3_score"] == expected
    assert expected is not None
    without = score_block(probability, labels, [0, 2], open_set=True)
    assert without["nmi"] is None and without["h3_score"] is None
    assert set(empty_block(3)) == set(block)
    assert empty_block(3)["epoch"] == 3
