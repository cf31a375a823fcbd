"""Images of the target graph that nothing joins to others."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lead.graph import GraphConfig, Smoothed, TargetGraph
from lead.scores import normalised_entropy


def random_case(count: int) -> tuple[np.ndarray, torch.Tensor]:
    """[N, 12] features and [N, 5] predictions."""
    draw = np.random.default_rng(count)
    logits = torch.from_numpy(2 * draw.normal(size=(count, 5)))
    return draw.normal(size=(count, 12)).astype(np.float32), torch.softmax(logits, dim=1).float()


def keeps_its_own(found: Smoothed, probability: torch.Tensor, rows: list[int]) -> None:
    torch.testing.assert_close(found.probability[rows], probability[rows], rtol=0, atol=1e-6)
    own = normalised_entropy(probability)[rows]
    torch.testing.assert_close(found.uncertainty[rows], own, rtol=0, atol=1e-6)


def test_images_without_a_direction_keep_their_own_values() -> None:
    features, probability = random_case(40)
    features[[4, 7, 8]] = 0
    graph = TargetGraph(features, GraphConfig(centred=False))
    assert len(set(graph.node.tolist())) == 40
    assert graph.degree[[4, 7, 8]].tolist() == [0, 0, 0]
    keeps_its_own(graph.smooth(probability), probability, [4, 7, 8])


def test_with_them_the_order_of_the_images_does_not_matter() -> None:
    features, probability = random_case(40)
    features[[4, 7, 8]] = 0
    order = np.random.default_rng(0).permutation(40)
    config = GraphConfig(centred=False)
    straight = TargetGraph(features, config).smooth(probability).masses
    mixed = TargetGraph(features[order], config).smooth(probability[order]).masses
    np.testing.assert_allclose(mixed, straight[order], rtol=1e-12)


def test_an_image_unlike_all_others_keeps_its_own_values() -> None:
    features, probability = random_case(40)
    features = np.abs(features)
    features[5] = -features[6]
    graph = TargetGraph(features, GraphConfig(centred=False))
    assert [row for row in range(40) if graph.degree[row] == 0] == [5]
    assert [len(part) for part in graph.neighbours_of(5)] == [0, 0]
    keeps_its_own(graph.smooth(probability), probability, [5])


@pytest.mark.parametrize("count", [1, 2, 30])
def test_features_that_are_all_equal(count: int) -> None:
    _, probability = random_case(count)
    features = np.full((count, 4), 0.3, dtype=np.float32)
    # Centred, they say nothing; else they say that all images are the same.
    keeps_its_own(TargetGraph(features).smooth(probability), probability, list(range(count)))
    found = TargetGraph(features, GraphConfig(centred=False)).smooth(probability)
    mean = probability.mean(dim=0, keepdim=True)
    torch.testing.assert_close(found.probability, mean.expand(count, -1))


def test_what_rounding_leaves_of_an_image_at_the_centre_is_no_direction() -> None:
    features, probability = random_case(8)
    features[7] = sum(features[:7]) / 7
    graph = TargetGraph(features)
    assert (features[7] != graph.centre).any()
    assert not graph.points[7].any()
    keeps_its_own(graph.smooth(probability), probability, [7])


@pytest.mark.parametrize("count", [1, 2])
def test_one_image_and_two_that_point_away_from_their_mean(count: int) -> None:
    features, probability = random_case(count)
    graph = TargetGraph(features)
    assert graph.degree.tolist() == [0] * count
    keeps_its_own(graph.smooth(probability), probability, list(range(count)))


def test_no_images() -> None:
    found = TargetGraph(np.zeros((0, 4), dtype=np.float32)).smooth(torch.zeros(0, 3))
    assert found.probability.shape == (0, 3)
    assert found.uncertainty.shape == (0,)
    assert found.masses.shape == (0, 3 + 4)
