"""Length of a run and learning rate of each step, by their formulas."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import nn

from genmix_da.classify.augmentations.companion import Companion
from genmix_da.classify.config import build_classify_config
from genmix_da.classify.network import ClassifierNetwork
from genmix_da.classify.schedule import Length, build_optimizer, run_length, set_learning_rate


def length(originals: int = 100, images: int = 100, **options: Any) -> Length:
    config = build_classify_config({"data": "x", "augment": "none", "batch_size": 32} | options)
    return run_length(config.resolved(), originals, images)


def test_warm_up_then_cosine() -> None:
    plan = Length(total=12, per_epoch=4, warmup=4, eval_every=1)
    factors = [plan.factor(step) for step in range(1, 13)]
    assert factors[:4] == [0.25, 0.5, 0.75, 1.0]
    assert factors[4:] == [pytest.approx((1 + math.cos(math.pi * k / 8)) / 2) for k in range(8)]
    assert factors[-1] > 0


def test_without_warm_up_the_first_step_has_the_whole_rate() -> None:
    assert Length(10, 5, 0, 1).factor(1) == 1.0
    assert Length(1, 1, 0, 1).factor(1) == 1.0


def test_equal_steps_whatever_the_method_makes() -> None:
    plain, enlarged = length(epochs=5), length(epochs=5, images=300)
    assert plain == enlarged
    assert (plain.total, plain.per_epoch, plain.epochs) == (15, 3, 5)


def test_equal_epochs_are_more_steps_on_more_images() -> None:
    assert length(epochs=5, images=300, budget="epochs").total == 45


def test_steps_cut_the_last_epoch_short() -> None:
    plan = length(steps=7)
    assert plan.epochs == 3
    assert [plan.steps_of(epoch) for epoch in (1, 2, 3)] == [3, 3, 1]


@pytest.mark.parametrize(
    ("options", "warmup"),
    [
        ({}, 5),
        ({"warmup_steps": 0}, 0),
        ({"warmup_steps": 7, "warmup_epochs": 1}, 7),
        ({"warmup_epochs": 1.5}, 4),
        ({"warmup_steps": 1000}, 98),
        ({"warmup_epochs": 1e308}, 98),
    ],
)
def test_warm_up(options: dict[str, Any], warmup: int) -> None:
    assert length(steps=99, **options).warmup == warmup


def test_evaluations() -> None:
    assert [e for e in range(1, 34) if length(epochs=33).evaluates(e)] == [*range(4, 33, 4), 33]
    assert [e for e in range(1, 6) if length(epochs=5, eval_every=100).evaluates(e)] == [5]


@pytest.mark.parametrize("kind", ["sgd", "adamw"])
def test_groups_of_the_optimiser(kind: str) -> None:
    options = {"data": "x", "optimizer": kind, "lr": 0.5, "weight_decay": 0.25}
    config = build_classify_config(options | {"backbone_factor": 0.1})
    backbone = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    network = ClassifierNetwork(backbone, 4, 2)
    optimizer = build_optimizer(network, config)
    decay, rate = {}, {}
    names = {id(p): name for name, p in network.named_parameters()}
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            decay[names[id(parameter)]] = group["weight_decay"]
            rate[names[id(parameter)]] = group["base_lr"]
    assert decay == {
        **{"backbone.0.weight": 0.25, "backbone.0.bias": 0, "backbone.1.weight": 0},
        **{"backbone.1.bias": 0, "head.weight": 0.25, "head.bias": 0},
    }
    assert {n: rate[n] for n in rate} == {
        name: pytest.approx(0.05 if name.startswith("backbone") else 0.5) for name in decay
    }
    assert set_learning_rate(optimizer, 0.5) == 0.25
    assert isinstance(optimizer, torch.optim.SGD if kind == "sgd" else torch.optim.AdamW)


def test_a_block_beside_the_network_has_a_rate_of_its_own() -> None:
    network = ClassifierNetwork(nn.Linear(4, 3), 3, 2)
    block = Companion()
    block.inner, block.lr_factor = nn.Linear(2, 2), 0.1
    given = {"data": "x", "augment": "none", "optimizer": "sgd", "lr": 0.5}
    optimizer = build_optimizer(network, build_classify_config(given).resolved(), block)
    set_learning_rate(optimizer, 0.5)
    rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    assert all(rates[id(p)] == pytest.approx(0.025) for p in block.parameters())
    assert all(rates[id(p)] == pytest.approx(0.25) for p in network.head.parameters())
