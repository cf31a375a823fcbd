"""DCC on tiny sets: resuming, and targets that leave little to match."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import lead
from genmix_da.errors import UserError
from genmix_da.methods import dcc_losses, dcc_matching
from genmix_da.methods.dcc_step import DccNetwork
from joint_runs import CLASSES, CPU, OPEN, WIDTH, points, run


@pytest.mark.parametrize(("warmup", "rounds"), [(0, 15), (2, 15), (1, 4)])
def test_resumed_equals_uninterrupted(warmup: int, rounds: int) -> None:
    _, whole, states = run("dcc", OPEN, warmup=warmup, rounds=rounds)
    _, rest, _ = run("dcc", OPEN, states[1], warmup=warmup, rounds=rounds)
    assert [epoch.epoch for epoch in rest] == [2, 3]
    assert rest[-1].losses == whole[-1].losses
    assert torch.equal(rest[-1].evaluation.probability, whole[-1].evaluation.probability)
    assert torch.equal(rest[-1].evaluation.uncertainty, whole[-1].evaluation.uncertainty)


def test_a_checkpoint_keeps_the_clusters() -> None:
    network, found, _ = run("dcc", OPEN)
    assert isinstance(network, DccNetwork)
    fresh = DccNetwork(torch.nn.Identity(), WIDTH, CLASSES, len(network.memory))
    fresh.load_state_dict(network.state_dict())
    assert 2 <= int(fresh.count) <= len(fresh.memory)
    judged = lead.evaluate(fresh, lead.FeatureViews(OPEN, CPU))
    assert torch.equal(judged.uncertainty, found[-1].evaluation.uncertainty)
    near = fresh.similarity(judged.features).argmax(dim=1)
    assert torch.equal(judged.uncertainty > 0.5, fresh.class_of[near] < 0)


def test_no_common_class_is_all_unknown() -> None:
    # No cluster is large enough to be matched.
    network, found, _ = run("dcc", OPEN, per_class=len(OPEN))
    assert isinstance(network, DccNetwork)
    assert (network.class_of < 0).all()
    assert (found[-1].evaluation.uncertainty > 0.5).all()
    assert found[-1].losses["contrast"] == 0
    assert found[-1].losses["cluster"] > 0


def test_warm_up_leaves_the_entropy() -> None:
    network, found, _ = run("dcc", OPEN, warmup=14)
    assert isinstance(network, DccNetwork)
    assert found[-2].evaluation.own_uncertainty is None
    assert found[-2].images == 0
    assert int(network.count) > 0
    assert found[-1].evaluation.own_uncertainty is not None


@pytest.mark.parametrize(
    "target",
    [points(np.zeros(10, dtype=int), seed=2), np.ones((9, WIDTH), dtype=np.float32), OPEN[:1]],
    ids=["one class", "one point", "one image"],
)
def test_little_to_cluster(target: np.ndarray) -> None:
    _, found, _ = run("dcc", target)
    uncertainty = found[-1].evaluation.uncertainty
    assert torch.isfinite(uncertainty).all()
    assert uncertainty.min() >= 0
    assert uncertainty.max() <= 1


def test_one_sample_is_judged() -> None:
    network = DccNetwork(torch.nn.Identity(), 2, CLASSES, 4, width=2)
    network.remember(torch.eye(2), torch.tensor([[1, 0]]))
    for embedding, unknown in (([1.0, 0.0], False), ([0.0, 1.0], True)):
        _, unsure = network.judge(torch.tensor([embedding]), torch.zeros(1, CLASSES))
        assert unsure is not None
        assert (unsure > 0.5).tolist() == [unknown]


def test_fewer_points_than_clusters() -> None:
    unit = np.repeat(np.eye(3, dtype=np.float32), 4, axis=0)
    found = dcc_matching.cluster(unit, 8)
    assert len(found.centres) == 3
    assert np.bincount(found.labels).tolist() == [4, 4, 4]


def test_a_class_without_source_samples_is_not_matched() -> None:
    unit = np.eye(4, dtype=np.float32)
    source = dcc_matching.source_of(unit[:2], np.array([0, 2]), 3)
    clusters = dcc_matching.Clusters(-unit[:2], np.array([0, 1]))
    found = dcc_matching.consensus(source, -unit[:2], clusters)
    assert 1 not in found.pairs[:, 0]


def test_search_stops_where_scores_fall() -> None:
    together = dcc_matching.Stopping(drop=3)
    assert together.ends([0.5, 0.9, 0.8, 0.8])
    assert not together.ends([0.9, 0.8, 0.85])
    assert dcc_matching.Stopping(drop=3, consecutive=False).ends([0.9, 0.8, 0.85])
    assert not dcc_matching.Stopping(drop=3, stop=False).ends([0.9, 0.8, 0.7])


def test_memory_rows_of_other_clusters_stay() -> None:
    memory = torch.eye(3)
    moved = dcc_losses.update_memory(memory, torch.eye(3)[[1]], torch.tensor([0]))
    assert torch.equal(moved[1:], memory[1:])
    torch.testing.assert_close(moved[0], torch.eye(3)[1])


def test_batches_of_one_image_are_refused() -> None:
    with pytest.raises(UserError, match="per_class is 1"):
        run("dcc", OPEN, per_class=1)
