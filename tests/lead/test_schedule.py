"""Optimiser groups and learning-rate decay."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from lead.network import Network
from lead.schedule import build_optimizer, decay, set_learning_rate, sgd


def test_decay_falls_from_almost_one_to_eleven_to_the_minus_three_quarters() -> None:
    rates = [decay(step, 50) for step in range(1, 51)]
    assert rates[0] == pytest.approx(1.2**-0.75, rel=1e-12)
    assert rates[-1] == pytest.approx(11**-0.75, rel=1e-12)
    assert all(later < earlier for earlier, later in pairwise(rates))


def test_backbone_learns_at_a_tenth_of_the_head() -> None:
    network = Network(nn.Linear(4, 5), 5, 3, 6)
    optimizer = build_optimizer(network, 0.01)
    backbone, head = optimizer.param_groups
    assert set(backbone["params"]) == set(network.backbone.parameters())
    assert len(head["params"]) == 4 + 3  # bottleneck: linear and norm; classifier: gain, dir., bias
    assert set_learning_rate(optimizer, 5, 10) == head["lr"] == 0.01 * decay(5, 10)
    assert backbone["lr"] == pytest.approx(0.1 * head["lr"], rel=1e-12)


def test_rate_is_set_from_the_base_rate_each_time() -> None:
    optimizer = build_optimizer(Network(nn.Linear(4, 5), 5, 3, 6), 0.01)
    set_learning_rate(optimizer, 9, 10)
    assert set_learning_rate(optimizer, 1, 10) == 0.01 * decay(1, 10)


def test_frozen_parameters_are_left_out() -> None:
    network = Network(nn.Linear(4, 5), 5, 3, 6)
    network.freeze_classifier()
    network.backbone.requires_grad_(False)
    (head,) = build_optimizer(network, 0.01).param_groups
    assert {id(p) for p in head["params"]} == {id(p) for p in network.bottleneck.parameters()}
    assert head["base_lr"] == 0.01


def test_backbone_factor_is_used() -> None:
    backbone, head = build_optimizer(
        Network(nn.Linear(4, 5), 5, 3, 6), 0.02, backbone_factor=0.5
    ).param_groups
    assert (backbone["base_lr"], head["base_lr"]) == (0.01, 0.02)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_one_pass_of_sgd_is_the_plain_one_also_where_a_gradient_comes_late(momentum: float) -> None:
    ours = [nn.Parameter(torch.linspace(-1, 1, size)) for size in (64, 7)]
    plain = [nn.Parameter(p.detach().clone()) for p in ours]
    mine = sgd([{"params": ours}], 0.1, momentum=momentum, weight_decay=1e-3)
    other = torch.optim.SGD(
        plain, lr=0.1, momentum=momentum, weight_decay=1e-3, nesterov=momentum > 0
    )
    draw = torch.Generator().manual_seed(0)
    for step in range(6):
        for one, two in zip(ours, plain, strict=True):
            late = len(one) == 7 and step < 3
            one.grad = None if late else torch.randn(len(one), generator=draw)
            two.grad = None if late else one.grad.clone()
        mine.step()
        other.step()
    assert mine.defaults["fused"] and not other.defaults["fused"]
    for one, two in zip(ours, plain, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-5, atol=1e-7)


def test_weights_of_no_cpu_are_left_to_torch() -> None:
    parameter = nn.Parameter(torch.zeros(3, device="meta"))
    optimizer = sgd([{"params": [parameter]}], 0.1, momentum=0.9, weight_decay=0.0)
    assert optimizer.defaults["fused"] is None and not optimizer.state
