"""Views of features that were computed before."""

from __future__ import annotations

import doctest
from pathlib import Path

import numpy as np
import pytest
import torch

import lead
import lead.feature_views
from lead.epochs import TargetConfig
from lead.errors import TooFewImagesError
from lead.evaluation import evaluate
from lead.feature_views import FeatureViews
from lead.network import Network
from lead.schedule import build_optimizer
from lead.source import SourceConfig, train_source
from lead.target import adapt_target
from lead.views import Views

CPU = torch.device("cpu")


def features(count: int = 20, views: int = 3, width: int = 4) -> np.ndarray:
    """Element [n, v, f] is 100 n + 10 v + f: each says where it is from."""
    n, v, f = np.meshgrid(np.arange(count), np.arange(views), np.arange(width), indexing="ij")
    return (100 * n + 10 * v + f).astype(np.float32)


def epoch(views: Views, seed: int = 0, limit: int | None = None) -> list[tuple]:
    return list(views.training_batches(6, np.random.default_rng(seed), limit))


def test_the_example_in_the_docstring_runs() -> None:
    outcome = doctest.testmod(lead.feature_views)
    assert outcome.attempted > 5
    assert outcome.failed == 0


def test_a_batch_holds_a_view_of_each_of_its_rows() -> None:
    batches = epoch(FeatureViews(features(), CPU))
    assert [len(rows) for rows, _ in batches] == [6, 6, 6]
    for rows, values in batches:
        assert values.shape == (6, 4)
        assert torch.equal(torch.div(values[:, 0], 100, rounding_mode="floor").long(), rows)
    rows = torch.cat([rows for rows, _ in batches])
    assert len(set(rows.tolist())) == 18


def test_every_view_is_drawn_and_anew_each_time() -> None:
    views = FeatureViews(features(), CPU)
    drawn = [
        {
            int(row): int(v[0]) % 100 // 10
            for rows, vs in epoch(views, seed)
            for row, v in zip(rows, vs, strict=True)
        }
        for seed in range(8)
    ]
    assert {view for one in drawn for view in one.values()} == {0, 1, 2}
    both = set(drawn[0]) & set(drawn[1])
    assert [drawn[0][row] for row in both] != [drawn[1][row] for row in both]


def test_the_draw_decides_the_batches() -> None:
    views = FeatureViews(features(), CPU)
    for (rows, values), (same_rows, same) in zip(epoch(views), epoch(views), strict=True):
        assert torch.equal(rows, same_rows)
        assert torch.equal(values, same)


def test_limit_and_too_few() -> None:
    assert len(epoch(FeatureViews(features(), CPU), limit=2)) == 2
    with pytest.raises(TooFewImagesError, match="5 images"):
        epoch(FeatureViews(features(5), CPU))


def test_evaluation_is_the_first_view_in_order() -> None:
    found = list(FeatureViews(features(), CPU).evaluation_batches(8))
    assert [len(batch) for batch in found] == [8, 8, 4]
    assert np.array_equal(torch.cat(found), features()[:, 0])


@pytest.mark.parametrize(
    ("batch_size", "sizes"), [(2, [1] * 20), (26, [8, 8, 4]), (27, [9, 9, 2]), (128, [20])]
)
def test_view_batches_hold_all_views_in_order(batch_size: int, sizes: list[int]) -> None:
    found = list(FeatureViews(features(), CPU).view_batches(batch_size))
    assert [len(batch) for batch in found] == sizes
    assert np.array_equal(torch.cat(found), features())


def test_one_view_may_leave_out_its_axis() -> None:
    views = FeatureViews(features()[:, 0], CPU)
    assert (len(views), views.feature_dim) == (20, 4)
    assert np.array_equal(torch.cat(list(views.evaluation_batches(99))), features()[:, 0])


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((3, 2, 2)), "float32"),
        (np.zeros(3, dtype=np.float32), "N, V, F"),
        (np.zeros((3, 0, 2), dtype=np.float32), "N, V, F"),
        (np.full((3, 1, 2), np.nan, dtype=np.float32), "row 0"),
    ],
)
def test_other_arrays_are_refused(array: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FeatureViews(array, CPU)


def test_what_is_given_can_be_changed_afterwards() -> None:
    given = features()
    views = FeatureViews(given, CPU)
    given[:] = 0
    assert float(next(views.evaluation_batches(2))[1, 0]) == 100


def separable(seed: int = 0, classes: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """[N, 2, 8] features of classes that lie apart, and their labels."""
    centres = 3 * np.random.default_rng(9).normal(size=(classes, 8))
    labels = np.repeat(np.arange(classes), 12)
    noise = np.random.default_rng(seed).normal(size=(len(labels), 2, 8))
    return (centres[labels][:, None] + noise).astype(np.float32), labels


def test_a_network_of_heads_has_one_group_of_parameters() -> None:
    network = Network(torch.nn.Identity(), 8, 4, 16)
    groups = build_optimizer(network, 0.1).param_groups
    assert [group["base_lr"] for group in groups] == [0.1]
    assert all(p.dtype == torch.float32 for p in network.parameters())
    assert not any(name.startswith("backbone") for name in network.state_dict())


def heads() -> Network:
    torch.manual_seed(0)
    return Network(torch.nn.Identity(), 8, 4, 16)


def test_source_and_target_are_learnt_and_resumed_to_the_same_numbers() -> None:
    values, labels = separable()
    known = labels < 4
    source = FeatureViews(values[known], CPU)
    settings = SourceConfig(epochs=6, batch_size=12, learning_rate=0.05)
    straight, resumed = heads(), heads()
    states = [e.state() for e in train_source(straight, source, labels[known], settings)]
    assert (
        evaluate(straight, source)
        .probability.argmax(1)
        .eq(torch.from_numpy(labels[known]))
        .float()
        .mean()
        > 0.9
    )
    stopped = train_source(resumed, source, labels[known], settings)
    state = next(stopped).state()
    state = {
        k: {n: t.clone() for n, t in v.items()} if k == "network" else v for k, v in state.items()
    }
    again = heads()
    list(train_source(again, source, labels[known], settings, state=state))
    assert len(states) == 6
    for name, tensor in straight.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name
    target = FeatureViews(separable(1)[0], CPU)
    plan = TargetConfig(epochs=2, batch_size=12, cluster_estimator="features")
    last = [e.evaluation for e in adapt_target(straight, target, plan)][-1]
    same = [e.evaluation for e in adapt_target(again, target, plan)][-1]
    assert torch.equal(last.probability, same.probability)
    assert last.features.dtype == torch.float32


@pytest.mark.parametrize("rows", [None, np.array([5, 3, 3, 20, 0, 7, 9, 11, 2])])
def test_large_features_stay_where_they_are(
    rows: np.ndarray | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read by batches, they are what they are in memory."""
    given = features(24)
    mapped = np.memmap(tmp_path / "f", np.float32, "w+", shape=given.shape)
    mapped[:] = given
    kept = FeatureViews(given, CPU, rows)
    assert kept.feature_dim == given.shape[2]
    monkeypatch.setattr(lead.feature_views, "IN_MEMORY", 0)
    read = FeatureViews(mapped, CPU, rows)
    assert len(kept) == len(read) == (24 if rows is None else len(rows))
    for first, second in (
        (kept.view_batches(12), read.view_batches(12)),
        (kept.evaluation_batches(4), read.evaluation_batches(4)),
    ):
        assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    for (of, one), (also, other) in zip(epoch(kept), epoch(read), strict=True):
        assert torch.equal(of, also)
        assert torch.equal(one, other)
    mapped[3 if rows is not None else 8, 1, 2] = np.inf
    with pytest.raises(
        ValueError, match=f"not finite, the first in row {8 if rows is None else 1}"
    ):
        FeatureViews(mapped, CPU, rows)
