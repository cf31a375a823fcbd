"""New images beside a finished graph."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from lead.errors import WeightsError
from lead.graph import GraphConfig, Smoothed, TargetGraph
from lead.graph_memory import GraphMemory
from lead.nearest import Neighbours
from lead.scores import normalised_entropy

SCORES = ("probability", "uncertainty", "share_uncertainty")


def images(count: int, seed: int = 0, classes: int = 5) -> tuple[np.ndarray, torch.Tensor]:
    """[N, 12] features around four centres (the same for all seeds) and [N, C] predictions."""
    centres = 1 + 2 * np.random.default_rng(99).normal(size=(4, 12))
    draw = np.random.default_rng(seed)
    features = centres[draw.integers(4, size=count)] + draw.normal(size=(count, 12))
    logits = torch.from_numpy(2 * draw.normal(size=(count, classes)))
    return features.astype(np.float32), torch.softmax(logits, dim=1).float()


def remembered(
    features: np.ndarray, probability: torch.Tensor, config: GraphConfig | None = None
) -> tuple[GraphMemory, Smoothed]:
    graph = TargetGraph(features, config)
    smoothed = graph.smooth(probability)
    return GraphMemory.of(graph, smoothed), smoothed


def by_hand(memory: GraphMemory, feature: np.ndarray, probability: np.ndarray) -> dict[str, Any]:
    """The formula of the module for one image."""
    config, nodes = memory.config, memory.points.astype(np.float64)
    p = probability.astype(np.float64)
    e = -(p * np.log(p + 1e-5)).sum() / np.log(len(p))
    x = feature.astype(np.float64) - memory.centre
    cosine = nodes @ (x / np.linalg.norm(x))
    nearest = np.argsort(-cosine)[: config.neighbours]
    w = np.maximum(cosine[nearest], 0) ** config.power / 2
    share = w / np.sqrt(w.sum() * memory.degree[nearest])
    masses = memory.masses[nearest]
    r_p = config.alpha * share @ masses[:, :-4] + p
    found = {"probability": r_p / r_p.sum()}
    for name, alpha, column in (
        ("uncertainty", config.uncertainty_alpha, -4),
        ("share_uncertainty", config.share_alpha, -2),
    ):
        r_e = alpha * share @ masses[:, column] + e
        found[name] = r_e / (alpha * share @ masses[:, column + 1] + 1)
    return found


@pytest.mark.parametrize(
    "config",
    [
        GraphConfig(),
        GraphConfig(centred=False),
        GraphConfig(neighbours=3, power=1.0, alpha=0.5, uncertainty_alpha=0.95, share_alpha=0.1),
        GraphConfig(neighbours=500),
    ],
    ids=["default", "not centred", "others", "all nodes"],
)
@pytest.mark.parametrize("seed", range(2))
def test_a_new_image_follows_the_formula(config: GraphConfig, seed: int) -> None:
    memory, _ = remembered(*images(80, seed), config)
    features, probability = images(20, seed + 50)
    found = memory.smooth(features, probability)
    for row in range(20):
        expected = by_hand(memory, features[row], probability[row].numpy())
        for name in SCORES:
            np.testing.assert_allclose(getattr(found, name)[row], expected[name], atol=2e-6)


@pytest.mark.parametrize("centred", [True, False])
def test_an_image_of_the_graph_gets_the_answer_of_its_node(centred: bool) -> None:
    features, probability = images(80)
    features[60:] = features[:20]  # also where a node has several
    memory, smoothed = remembered(features, probability, GraphConfig(centred=centred))
    assert len(memory.points) == 60
    # What the network says this time does not count: the node has its answer.
    found = memory.smooth(features, images(80, seed=7)[1])
    for name in SCORES:
        assert torch.equal(getattr(found, name), getattr(smoothed, name)), name
    assert np.array_equal(found.masses, smoothed.masses)


def test_each_image_is_judged_for_itself() -> None:
    memory, _ = remembered(*images(80))
    features, probability = images(20, seed=1)
    features[3] *= 1e8
    together = memory.smooth(features, probability)
    for row in range(20):
        alone = memory.smooth(features[row : row + 1], probability[row : row + 1])
        np.testing.assert_allclose(alone.masses[0], together.masses[row], rtol=1e-9)


def test_what_the_search_misses_is_no_neighbour(monkeypatch: pytest.MonkeyPatch) -> None:
    memory, _ = remembered(*images(80), GraphConfig(neighbours=6))
    fewer = dataclasses.replace(memory, config=GraphConfig(neighbours=4))
    new = images(20, seed=1)
    expected = fewer.smooth(*new).masses
    whole = Neighbours.search

    def search(self: Neighbours, queries: np.ndarray, count: int) -> np.ndarray:
        found = whole(self, queries, count)
        found[:, 4:] = -1  # as an inverted file says it
        return found

    monkeypatch.setattr(Neighbours, "search", search)
    np.testing.assert_allclose(memory.smooth(*new).masses, expected, rtol=1e-12)


def keeps_its_own(found: Smoothed, probability: torch.Tensor) -> None:
    torch.testing.assert_close(found.probability, probability, rtol=0, atol=1e-6)
    own = normalised_entropy(probability)
    torch.testing.assert_close(found.uncertainty, own, rtol=0, atol=1e-6)


def test_an_image_far_from_everything_keeps_its_own_prediction() -> None:
    features, probability = images(80)
    memory, _ = remembered(np.abs(features), probability, GraphConfig(centred=False))
    new, own = images(10, seed=1)
    keeps_its_own(memory.smooth(-np.abs(new), own), own)


def test_an_image_without_a_direction_keeps_its_own_prediction() -> None:
    memory, _ = remembered(*images(80))
    new, own = images(3, seed=1)
    new[1] = memory.centre
    found = memory.smooth(new, own)
    torch.testing.assert_close(found.probability[1], own[1])


def test_isolated_nodes_say_nothing_of_new_images() -> None:
    features, probability = images(1)
    memory, _ = remembered(features, probability, GraphConfig(centred=False))
    new, own = images(10, seed=1)
    near = 0.5 * features + 0.1 * new
    keeps_its_own(memory.smooth(near, own), own)


def test_beside_an_empty_graph_all_keep_their_own() -> None:
    memory, _ = remembered(np.zeros((0, 12), dtype=np.float32), torch.zeros(0, 5))
    new, own = images(3)
    keeps_its_own(memory.smooth(new, own), own)


def test_no_new_images() -> None:
    memory, _ = remembered(*images(30))
    found = memory.smooth(np.zeros((0, 12), dtype=np.float32), torch.zeros(0, 5))
    assert found.probability.shape == (0, 5)


@pytest.mark.parametrize("classes", [1, 2, 5])
def test_what_is_written_is_read_back(classes: int) -> None:
    config = GraphConfig(
        neighbours=4, power=2.0, alpha=0.7, uncertainty_alpha=0.3, share_alpha=0.2, centred=False
    )
    memory, _ = remembered(*images(80, classes=classes), config)
    settings = json.loads(json.dumps(memory.description()))
    again = GraphMemory.load(load(save(memory.tensors())), settings)
    assert again.config == config
    for name in ("points", "centre", "degree", "masses"):
        written, read = getattr(memory, name), getattr(again, name)
        assert read.dtype == written.dtype and np.array_equal(read, written), name
    new = images(10, seed=1, classes=classes)
    assert np.array_equal(again.smooth(*new).masses, memory.smooth(*new).masses)


def test_a_graph_of_other_classes_is_refused() -> None:
    memory, _ = remembered(*images(80, classes=5))
    with pytest.raises(WeightsError, match="of 5 classes, not 3"):
        memory.smooth(*images(10, classes=3))
    settings = memory.description()
    del settings["share_alpha"]  # taken for an older file, it has two columns too many
    with pytest.raises(WeightsError, match="of 7 classes, not 5"):
        GraphMemory.load(memory.tensors(), settings).smooth(*images(10))


def test_a_graph_of_before_the_share_had_its_alpha_is_read() -> None:
    memory, _ = remembered(*images(80), GraphConfig(uncertainty_alpha=0.8, share_alpha=0.8))
    tensors, settings = memory.tensors(), memory.description()
    tensors["masses"] = tensors["masses"][:, :-2]
    del settings["share_alpha"]
    again = GraphMemory.load(tensors, settings)
    assert again.config == memory.config
    new = images(10, seed=1)
    assert np.array_equal(again.smooth(*new).masses, memory.smooth(*new).masses)


@pytest.mark.parametrize("name", ["points", "centre", "degree", "masses"])
def test_a_missing_array_is_refused(name: str) -> None:
    memory, _ = remembered(*images(30))
    tensors = memory.tensors()
    del tensors[name]
    with pytest.raises(WeightsError, match=f"incomplete or damaged: '{name}'"):
        GraphMemory.load(tensors, memory.description())


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("points", np.s_[:29]),
        ("points", np.s_[:, :11]),
        ("points", np.s_[:, 0]),
        ("centre", np.s_[:11]),
        ("centre", np.s_[0]),
        ("degree", np.s_[:29]),
        ("degree", np.s_[:, None]),
        ("degree", np.s_[0]),
        ("masses", np.s_[:29]),
        ("masses", np.s_[:, 0]),
        ("masses", np.s_[:, :2]),
    ],
    ids=str,
)
def test_an_array_that_does_not_fit_is_refused(name: str, index: Any) -> None:
    memory, _ = remembered(*images(30))
    tensors = memory.tensors()
    tensors[name] = tensors[name][index]
    with pytest.raises(WeightsError, match="do not fit together"):
        GraphMemory.load(tensors, memory.description())


@pytest.mark.parametrize("name", ["points", "centre", "degree", "masses"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_an_array_with_what_is_no_number_is_refused(name: str, value: float) -> None:
    memory, _ = remembered(*images(30))
    tensors = memory.tensors()
    tensors[name] = tensors[name].clone()
    tensors[name].ravel()[3] = value
    with pytest.raises(WeightsError, match="values that are no numbers"):
        GraphMemory.load(tensors, memory.description())


@pytest.mark.parametrize(
    "name",
    [field.name for field in dataclasses.fields(GraphConfig) if field.name != "share_alpha"],
)
def test_a_missing_setting_is_refused(name: str) -> None:
    memory, _ = remembered(*images(30))
    settings = memory.description()
    del settings[name]
    with pytest.raises(WeightsError, match=f"incomplete or damaged: '{name}'"):
        GraphMemory.load(memory.tensors(), settings)


def test_no_settings_are_refused() -> None:
    memory, _ = remembered(*images(30))
    with pytest.raises(WeightsError, match="incomplete or damaged"):
        GraphMemory.load(memory.tensors(), {})


@pytest.mark.parametrize(
    "settings",
    [{"alpha": 2.0}, {"alpha": "much"}, {"neighbours": 2.5}, {"power": "3"}, {"edges": 3}],
    ids=str,
)
def test_settings_that_are_none_are_refused(settings: dict[str, Any]) -> None:
    memory, _ = remembered(*images(30))
    with pytest.raises(WeightsError, match="incomplete or damaged"):
        GraphMemory.load(memory.tensors(), {**memory.description(), **settings})
