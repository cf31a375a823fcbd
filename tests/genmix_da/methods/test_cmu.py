"""CMU on tiny sets: resuming, phases, and sets whose uncertainties are constant."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import lead
from genmix_da.methods import cmu_scores, find_method
from genmix_da.methods.cmu_adversarial import reversal
from genmix_da.methods.cmu_phases import cycles
from genmix_da.methods.cmu_step import HEADS, CmuNetwork, calibrate, head_step
from joint_runs import CLASSES, CPU, LABELS, OPEN, WIDTH, points, run
from lead.epochs import Run
from lead.precision import Precision
from lead.schedule import build_optimizer


@pytest.mark.parametrize("older", [0, 1])
def test_resumed_equals_uninterrupted(older: int) -> None:
    _, whole, states = run("cmu", OPEN, older=older)
    _, rest, _ = run("cmu", OPEN, states[1], older=older)
    assert [epoch.epoch for epoch in rest] == [2, 3]
    assert rest[-1].losses == whole[-1].losses
    assert torch.equal(rest[-1].evaluation.probability, whole[-1].evaluation.probability)
    assert torch.equal(rest[-1].evaluation.uncertainty, whole[-1].evaluation.uncertainty)


def test_a_checkpoint_loads_into_a_fresh_network() -> None:
    network, found, _ = run("cmu", OPEN)
    joint = find_method("cmu").joint
    assert joint is not None
    fresh = joint.build(torch.nn.Identity(), WIDTH, CLASSES, {"older": 0})
    fresh.load_state_dict(network.state_dict())
    judged = lead.evaluate(fresh, lead.FeatureViews(OPEN, CPU))
    assert torch.equal(judged.uncertainty, found[-1].evaluation.uncertainty)


@pytest.mark.parametrize(
    "target",
    [points(np.zeros(10, dtype=int), seed=2), np.ones((9, WIDTH), dtype=np.float32)],
    ids=["one class", "one point"],
)
def test_targets_without_spread(target: np.ndarray) -> None:
    _, found, _ = run("cmu", target)
    uncertainty = found[-1].evaluation.uncertainty
    assert torch.isfinite(uncertainty).all()
    assert uncertainty.min() >= 0
    assert uncertainty.max() <= 1


def test_one_sample_is_half_way() -> None:
    network = CmuNetwork(torch.nn.Identity(), WIDTH, CLASSES).eval()
    with torch.no_grad():
        _, unsure = network.judge(*network(torch.ones(1, WIDTH)))
    assert unsure.tolist() == [0.5]


def test_constant_values_are_half_of_their_range() -> None:
    assert cmu_scores.scaled(torch.full((3,), 0.2)).tolist() == [0.5] * 3
    assert cmu_scores.scaled(torch.tensor([0.1, 0.2, 0.3])).tolist()[::2] == [0, 1]


def test_classes_count_alike_where_no_sample_is_confident() -> None:
    found = calibrate(torch.full((4, CLASSES), 1 / CLASSES), torch.ones(4), 0.5)
    assert found.class_weight.tolist() == [0.5] * CLASSES


def test_a_head_step_trains_every_head_and_nothing_else() -> None:
    torch.manual_seed(0)
    network = CmuNetwork(torch.nn.Linear(WIDTH, WIDTH), WIDTH, CLASSES).eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    part = torch.from_numpy(points(LABELS)), torch.from_numpy(LABELS)
    head_step(network, Run(build_optimizer(network, 0.1), Precision(CPU)), [part] * HEADS)
    moved = {name for name, value in network.state_dict().items() if (value != before[name]).any()}
    assert moved == {
        f"ensemble.{place}.{of}" for place in range(HEADS) for of in ("weight", "bias")
    }


@pytest.mark.parametrize("total", [1, 2, 7, 60, 31000])
def test_phases_take_all_steps(total: int) -> None:
    before, found = cycles(total, 20)
    assert before + sum(each.heads + each.adversarial for each in found) == total
    assert [each.calls for each in found] == np.cumsum(
        [0, *(each.adversarial for each in found)]
    ).tolist()[:-1]


def test_the_published_run_is_as_published() -> None:
    before, found = cycles(31000, 20)
    assert before == 1000
    assert {(each.heads, each.adversarial) for each in found} == {(500, 1000)}


def test_the_reversed_gradient_rises() -> None:
    assert reversal(0) == 0
    assert 0 < reversal(500) < reversal(1000) < 1
