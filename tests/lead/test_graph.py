"""The target graph against the dense formula."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import lead.graph
from lead.errors import LeadError
from lead.graph import GraphConfig, Smoothed, TargetGraph
from lead.nearest import Neighbours
from lead.scores import normalised_entropy

SCORES = ("probability", "uncertainty", "share_uncertainty")


def random_case(
    count: int, width: int = 12, classes: int = 5, seed: int = 0
) -> tuple[np.ndarray, torch.Tensor]:
    """[N, F] features around four centres and [N, C] predictions."""
    draw = np.random.default_rng(seed)
    centres = 1 + 2 * draw.normal(size=(4, width))
    features = centres[draw.integers(4, size=count)] + draw.normal(size=(count, width))
    logits = torch.from_numpy(2 * draw.normal(size=(count, classes)))
    return features.astype(np.float32), torch.softmax(logits, dim=1).float()


def dense_weights(
    features: np.ndarray, config: GraphConfig, centre: np.ndarray | None = None
) -> np.ndarray:
    """W of distinct features, every pair looked at."""
    points = features.astype(np.float64)
    if config.centred:
        points = points - (points.mean(axis=0) if centre is None else centre)
    points = points / np.linalg.norm(points, axis=1, keepdims=True)
    cosine = points @ points.T
    one_way = np.zeros_like(cosine)
    for row in range(len(points)):
        others = [i for i in np.argsort(-cosine[row]) if i != row][: config.neighbours]
        one_way[row, others] = np.maximum(cosine[row, others], 0) ** config.power
    return (one_way + one_way.T) / 2


def dense(
    weights: np.ndarray, probability: np.ndarray, entropy: np.ndarray, config: GraphConfig
) -> dict[str, np.ndarray]:
    """The scores by the inverse of I - alpha S."""
    count = len(probability)
    right = np.column_stack([probability, entropy, np.ones(count)])
    degree = weights.sum(axis=1)
    root = np.array([d**-0.5 if d > 0 else 0.0 for d in degree])
    spread = root[:, None] * weights * root
    classes, pair, share_pair = (
        np.linalg.inv(np.eye(count) - alpha * spread) @ part
        for alpha, part in (
            (config.alpha, right[:, :-2]),
            (config.uncertainty_alpha, right[:, -2:]),
            (config.share_alpha, right[:, -2:]),
        )
    )
    return {
        "probability": classes / classes.sum(axis=1, keepdims=True),
        "uncertainty": pair[:, 0] / pair[:, 1],
        "share_uncertainty": share_pair[:, 0] / share_pair[:, 1],
    }


def own_values(probability: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """[N, C] p and [N] e in float64."""
    p = probability.numpy().astype(np.float64)
    if p.shape[1] == 1:
        return p, np.zeros(len(p))
    return p, -(p * np.log(p + 1e-5)).sum(axis=1) / np.log(p.shape[1])


def assert_scores(found: Smoothed, expected: dict[str, np.ndarray], tolerance: float) -> None:
    for name, values in expected.items():
        np.testing.assert_allclose(getattr(found, name), values, rtol=0, atol=tolerance)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    ("count", "width", "classes", "config"),
    [
        (80, 12, 5, GraphConfig()),
        (80, 12, 5, GraphConfig(centred=False)),
        (150, 40, 10, GraphConfig(neighbours=4, alpha=0.99, uncertainty_alpha=0.1, share_alpha=0)),
        (60, 3, 2, GraphConfig(neighbours=1, power=1.0)),
        (60, 30, 3, GraphConfig(power=8.0, alpha=0.5, uncertainty_alpha=0.95)),
        (40, 8, 7, GraphConfig(neighbours=39, power=0.5)),
        (20, 8, 4, GraphConfig(neighbours=100)),
        (50, 8, 1, GraphConfig()),
        (50, 8, 140, GraphConfig()),  # more than are solved at once
        (3, 5, 4, GraphConfig(centred=False)),
        (2, 5, 4, GraphConfig(centred=False)),
        (2, 5, 4, GraphConfig()),
        (1, 5, 4, GraphConfig(centred=False)),
    ],
    ids=lambda value: None if isinstance(value, GraphConfig) else str(value),
)
def test_scores_equal_the_dense_formula(
    count: int, width: int, classes: int, config: GraphConfig, seed: int
) -> None:
    features, probability = random_case(count, width, classes, seed)
    found = TargetGraph(features, config).smooth(probability)
    expected = dense(dense_weights(features, config), *own_values(probability), config)
    assert_scores(found, expected, 2e-6)
    likely = np.sort(expected["probability"], axis=1)
    clear = np.full(count, True) if classes == 1 else likely[:, -1] - likely[:, -2] > 1e-5
    chosen = expected["probability"].argmax(axis=1)
    assert np.array_equal(found.probability.numpy().argmax(axis=1)[clear], chosen[clear])


def test_the_columns_are_solved_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    features, probability = random_case(60, classes=9)
    graph = TargetGraph(features)
    together = graph.smooth(probability)
    monkeypatch.setattr(lead.graph, "COLUMNS", 4)
    np.testing.assert_allclose(graph.smooth(probability).masses, together.masses, rtol=1e-6)


@pytest.mark.parametrize(("missed", "used"), [("itself", 10), ("others", 7)])
def test_what_the_search_misses_is_no_neighbour(
    missed: str, used: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def search(self: Neighbours, queries: np.ndarray, count: int) -> np.ndarray:
        cosine = queries @ queries.T
        np.fill_diagonal(cosine, -2 if missed == "itself" else 2)
        found = np.argsort(-cosine, axis=1)[:, :count]
        if missed == "others":  # as an inverted file says it
            found[:, used + 1 :] = -1
        return found

    monkeypatch.setattr(Neighbours, "search", search)
    features, probability = random_case(60)
    found = TargetGraph(features).smooth(probability)
    config = GraphConfig(neighbours=used)
    expected = dense(dense_weights(features, config), *own_values(probability), config)
    assert_scores(found, expected, 2e-6)


def test_scores_are_as_described() -> None:
    features, probability = random_case(60)
    found = TargetGraph(features).smooth(probability)
    assert all(getattr(found, name).dtype == torch.float32 for name in SCORES)
    assert found.masses.shape == (60, 5 + 4)
    torch.testing.assert_close(found.probability.sum(dim=1), torch.ones(60))
    own = normalised_entropy(probability)
    assert own.min() <= found.uncertainty.min()  # a weighted mean
    assert found.uncertainty.max() <= own.max()


def test_each_alpha_moves_its_own_score_alone() -> None:
    features, probability = random_case(60)
    base = TargetGraph(features).smooth(probability)
    alphas = {
        "probability": "alpha",
        "uncertainty": "uncertainty_alpha",
        "share_uncertainty": "share_alpha",
    }
    for moved, alpha in alphas.items():
        found = TargetGraph(features, GraphConfig(**{alpha: 0.5})).smooth(probability)
        for name in SCORES:
            equal = torch.equal(getattr(found, name), getattr(base, name))
            assert equal != (name == moved), (alpha, name)


def test_alpha_0_is_the_network_itself() -> None:
    features, probability = random_case(60)
    config = GraphConfig(alpha=0, uncertainty_alpha=0, share_alpha=0)
    found = TargetGraph(features, config).smooth(probability)
    torch.testing.assert_close(found.probability, probability, rtol=1e-6, atol=0)
    assert torch.equal(found.probability.argmax(dim=1), probability.argmax(dim=1))
    assert torch.equal(found.uncertainty, normalised_entropy(probability))
    assert torch.equal(found.share_uncertainty, found.uncertainty)


@pytest.mark.parametrize("kind", ["distinct", "duplicates", "duplicates seen differently"])
@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_the_images_does_not_matter(seed: int, kind: str) -> None:
    features, probability = random_case(120, seed=seed)
    draw = np.random.default_rng(seed)
    if kind != "distinct":
        rows = draw.integers(8, size=40)
        features[-40:] = features[rows]
        if kind == "duplicates":
            probability[-40:] = probability[rows]
    order = draw.permutation(120)
    straight = TargetGraph(features).smooth(probability)
    mixed = TargetGraph(features[order]).smooth(probability[order])
    for name in SCORES:
        assert torch.equal(getattr(straight, name)[order], getattr(mixed, name)), name


def with_copies(copies: int) -> tuple[np.ndarray, torch.Tensor, list[int]]:
    """60 distinct images, more copies of image 3 with predictions of their own; rows of all 3s."""
    features, probability = random_case(60)
    more = np.tile(features[3], (copies, 1))
    rows = [3, *range(60, 60 + copies)]
    return np.vstack([features, more]), torch.vstack([probability, random_case(copies)[1]]), rows


@pytest.mark.parametrize("copies", [1, 25])  # 25: more than neighbours
def test_duplicates_get_equal_scores(copies: int) -> None:
    features, probability, same = with_copies(copies)
    found = TargetGraph(features).smooth(probability)
    for name in SCORES:
        assert len(getattr(found, name)[same].unique(dim=0)) == 1, name


@pytest.mark.parametrize("copies", [1, 25])
def test_duplicates_are_one_node_with_their_mean_values(copies: int) -> None:
    features, probability, same = with_copies(copies)
    config = GraphConfig()
    graph = TargetGraph(features, config)
    assert graph.weights.shape == (60, 60)
    weights = dense_weights(features[:60], config, features.mean(axis=0, dtype=np.float64))
    own = own_values(probability)
    means = [values[:60].copy() for values in own]
    for mean, values in zip(means, own, strict=True):
        mean[3] = values[same].mean(axis=0)
    expected = dense(weights, *means, config)
    every = {name: np.concatenate([v, v[[3] * copies]]) for name, v in expected.items()}
    assert_scores(graph.smooth(probability), every, 2e-6)


def test_a_second_call_gives_the_same_numbers() -> None:
    features, probability = random_case(100)
    graph = TargetGraph(features)
    first, second, anew = (g.smooth(probability) for g in (graph, graph, TargetGraph(features)))
    assert np.array_equal(first.masses, second.masses)
    assert np.array_equal(first.masses, anew.masses)


@pytest.mark.parametrize(("exact", "classes"), [(True, 40), (False, 5)])
def test_same_numbers_whatever_the_threads(exact: bool, classes: int) -> None:
    features, probability = random_case(1000, classes=classes)  # 40: torch adds up in threads
    before = torch.get_num_threads()
    try:
        found = []
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(TargetGraph(features, exact=exact).smooth(probability).masses)
    finally:
        torch.set_num_threads(before)
    assert np.array_equal(*found)


def test_weights_are_those_of_the_formula_and_few() -> None:
    features, _ = random_case(200)
    graph = TargetGraph(features, GraphConfig(neighbours=6))
    nodes = graph.weights.toarray()
    assert np.array_equal(nodes, nodes.T)
    assert graph.weights.nnz <= 2 * 200 * 6  # the memory grows with N x k
    assert (graph.weights.data > 0).all()
    weights = nodes[np.ix_(graph.node, graph.node)]
    expected = dense_weights(features, GraphConfig(neighbours=6))
    np.testing.assert_allclose(weights, expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(graph.degree, expected.sum(axis=1), atol=1e-5)


def test_neighbours_of_an_image_are_the_heaviest_first() -> None:
    features, _ = random_case(50)
    features[30:] = features[2]  # one neighbour, however many images it stands for
    graph = TargetGraph(features)
    weights = graph.weights.toarray()[np.ix_(graph.node, graph.node)]
    for row in range(50):
        images, heavy = graph.neighbours_of(row)
        assert np.array_equal(heavy, np.sort(heavy)[::-1])
        assert np.array_equal(heavy, weights[row, images])
        assert len(set(graph.node[images])) == len(images) == (weights[row, :30] > 0).sum()


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"neighbours": 0}, "neighbours"),
        ({"neighbours": 2.5}, "neighbours"),
        ({"neighbours": 10.0}, "neighbours"),
        ({"neighbours": True}, "neighbours"),
        ({"neighbours": "10"}, "neighbours"),
        ({"power": 0.0}, "power"),
        ({"power": float("nan")}, "power"),
        ({"power": float("inf")}, "power"),
        ({"alpha": 1.0}, "alpha"),
        ({"alpha": -0.1}, "alpha"),
        ({"alpha": float("nan")}, "alpha"),
        ({"uncertainty_alpha": 1.0}, "uncertainty_alpha"),
        ({"share_alpha": -0.1}, "share_alpha"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], name: str) -> None:
    with pytest.raises(LeadError, match=f"graph {name} is .*; it must be"):
        GraphConfig(**settings)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_finds_what_the_cpu_finds() -> None:
    features, probability = random_case(300)
    cpu = TargetGraph(features).smooth(probability)
    found = TargetGraph(features, device=torch.device("cuda")).smooth(probability.cuda())
    assert_scores(found, {name: getattr(cpu, name).numpy() for name in SCORES}, 1e-6)
