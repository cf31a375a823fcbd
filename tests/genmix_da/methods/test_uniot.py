"""UniOT at the edges: resumed, judged again, with few or equal samples, in few steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import lead
from genmix_da.errors import UserError
from genmix_da.methods import find_method
from genmix_da.methods.base import JointData
from genmix_da.methods.uniot_network import UniotNetwork
from genmix_da.methods.uniot_queue import first_queue
from genmix_da.methods.uniot_transport import transport
from lead.epochs import TargetConfig, TargetEpoch
from lead.errors import DivergedError
from lead.precision import Precision

CPU = torch.device("cpu")
CLASSES, WIDTH, BATCH = 3, 6, 8
METHOD = find_method("uniot")
CONFIG = TargetConfig(epochs=2, batch_size=BATCH, learning_rate=0.01, seed=3)
SMALL = {"clusters": 5, "queue": 16, "mu": 0.5, "warmup": 2, "steps": 8}


def sample(kinds: np.ndarray, seed: int) -> lead.FeatureViews:
    """Two views of a sample of each kind, around a centre that is the kind's own."""
    centres = 2 * np.random.default_rng(0).normal(size=(CLASSES + 1, WIDTH))
    noise = np.random.default_rng(seed).normal(size=(len(kinds), 2, WIDTH))
    return lead.FeatureViews((centres[kinds][:, None] + noise).astype(np.float32), CPU)


LABELS = np.repeat(np.arange(CLASSES), 10)
TARGET = sample(np.repeat(np.arange(CLASSES + 1), 6), seed=2)


def data(**options: Any) -> JointData:
    torch.manual_seed(1)
    found = METHOD.options_for("", SMALL | options)
    assert METHOD.joint is not None
    network = METHOD.joint.build(nn.Identity(), WIDTH, CLASSES, found)
    return JointData(network, sample(LABELS, seed=1), LABELS, found["steps"], found)


def source_model() -> lead.Network:
    torch.manual_seed(0)
    return lead.Network(nn.Identity(), WIDTH, CLASSES, 4)


def run(
    given: JointData, target: lead.FeatureViews = TARGET, state: Any = None
) -> list[TargetEpoch]:
    return list(METHOD.run(source_model(), target, CONFIG, state=state, data=given))


def copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    return value.clone() if isinstance(value, torch.Tensor) else value


def network_of(prototypes: torch.Tensor, gamma: float = 0.7) -> UniotNetwork:
    """A network that passes features on, with these prototypes [C, D]."""
    classes, size = prototypes.shape
    network = UniotNetwork(nn.Identity(), size, classes, 2, gamma, size)
    network.load_state_dict(network.state_dict() | {"prototypes.weight": prototypes})
    return network


def judged(network: UniotNetwork, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    probability, uncertainty = network.judge(features, torch.empty(0))
    assert probability.shape == (len(features), network.prototypes.out_features)
    torch.testing.assert_close(probability.sum(dim=1), torch.ones(len(features)))
    assert ((uncertainty >= 0) & (uncertainty <= 1)).all()
    return probability, uncertainty


def test_trains_and_moves_the_mass_of_the_classes() -> None:
    given = data()
    *_, last = run(given)
    assert set(last.losses) == {"source", "global", "local", "private", "common", "total"}
    beta = given.network.get_buffer("beta")
    assert beta.std() > 0
    assert float(beta.sum()) == pytest.approx(1.0)
    assert last.evaluation.probability.shape == (len(TARGET), CLASSES)


@pytest.mark.parametrize("after", [0, 1])
def test_resumed_equals_uninterrupted(after: int) -> None:
    whole = data()
    *_, last = run(whole)
    part = METHOD.run(source_model(), TARGET, CONFIG, data=data())
    state = next(copied(epoch.state()) for epoch in part if epoch.epoch == after)
    resumed = data()
    *_, again = run(resumed, state=state)
    assert torch.equal(last.evaluation.probability, again.evaluation.probability)
    assert torch.equal(last.evaluation.uncertainty, again.evaluation.uncertainty)
    for name, value in whole.network.state_dict().items():
        assert torch.equal(value, resumed.network.state_dict()[name]), name


def test_judges_the_same_again_in_other_batches() -> None:
    given = data()
    run(given)
    first = lead.evaluate(given.network, TARGET)
    for batch_size in (128, 7):
        again = lead.evaluate(given.network, TARGET, batch_size=batch_size)
        torch.testing.assert_close(first.probability, again.probability)
        torch.testing.assert_close(first.uncertainty, again.uncertainty)


def test_fewer_steps_than_the_warm_up() -> None:
    given = data(warmup=100)
    *_, last = run(given)
    assert last.losses["common"] == 0
    assert given.network.get_buffer("beta").tolist() == [1 / CLASSES] * CLASSES


@pytest.mark.parametrize(("size", "rows"), [(4000, 24), (17, 16), (3, 8)])
def test_the_queue_has_full_batches_of_what_there_is(size: int, rows: int) -> None:
    network = data().network.train()
    queue = first_queue(network, TARGET, Precision(CPU), batch_size=BATCH, size=size, seed=0)
    assert len(queue) == rows
    assert len(set(queue.rows.tolist())) == rows
    assert network.training
    torch.testing.assert_close(queue.features.norm(dim=1), torch.ones(rows))


def test_a_target_smaller_than_the_queue() -> None:
    target = sample(np.repeat(np.arange(CLASSES + 1), 3), seed=4)  # 12 samples, a queue of 8
    *_, last = run(data(queue=4000), target)
    assert np.isfinite(last.losses["total"])
    assert last.evaluation.probability.shape == (12, CLASSES)


def test_one_sample_is_known_where_it_is_near_to_a_class() -> None:
    network = network_of(torch.eye(3))
    probability, uncertainty = judged(network, torch.tensor([[0.1, 5.0, 0.2]]))
    assert int(probability.argmax()) == 1
    assert float(uncertainty) < 0.5
    _, far = judged(network, torch.tensor([[-1.0, -1.0, -1.0]]))
    assert float(far) > 0.5


@pytest.mark.parametrize("value", [0.0, -1.0, 1.0])
def test_all_samples_equal(value: float) -> None:
    # Zero features have no direction; far ones leave adaptive filling nothing to copy.
    _, uncertainty = judged(network_of(torch.eye(3)), torch.full((9, 3), value))
    torch.testing.assert_close(uncertainty, uncertainty[:1].expand(9))
    assert (uncertainty > 0.5).all()


def test_equal_samples_in_training() -> None:
    equal = lead.FeatureViews(np.ones((16, WIDTH), np.float32), CPU)
    *_, last = run(data(), equal)
    assert np.isfinite(last.losses["total"])


def test_one_class() -> None:
    probability, _ = judged(network_of(torch.ones(1, 3)), torch.randn(5, 3))
    assert torch.equal(probability, torch.ones(5, 1))


def test_more_near_samples_than_far_ones_is_known() -> None:
    features = torch.eye(3).repeat(4, 1)
    probability, uncertainty = judged(network_of(torch.eye(3)), features)
    assert torch.equal(probability.argmax(dim=1), torch.arange(3).repeat(4))
    assert (uncertainty < 0.5).all()


def test_values_that_are_not_finite_are_refused() -> None:
    with pytest.raises(DivergedError, match="feature rows are not finite"):
        network_of(torch.eye(3)).judge(torch.full((2, 3), torch.nan), torch.empty(0))


def test_a_transport_of_what_is_not_finite_ends() -> None:
    found = transport(torch.full((4, 3), torch.nan), torch.full((3,), 1 / 3), 1e-4)
    assert found.rounds == 1


@pytest.mark.parametrize(
    ("name", "value", "wrong"),
    [("clusters", 0, "at least 1"), ("queue", 2.5, "whole number"), ("mu", 1.5, "from 0 to 1")],
)
def test_options_have_limits(name: str, value: float, wrong: str) -> None:
    with pytest.raises(UserError, match=wrong):
        METHOD.options_for("", {name: value})
