"""Learning rates and settings of the optimiser, computed and compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from golden_values.comparison import Comparison
from golden_values.files import (
    Arrays,
    Info,
)
from lead import schedule
from lead.network import Network

LEARNING_RATE_RTOL = 1e-12


def compute_learning_rate(arrays: Arrays, info: Info) -> dict[str, Any]:
    del info
    network = Network(nn.Linear(2, 3), 3, 2, 4)
    optimizer = schedule.build_optimizer(network, float(arrays["base_lr"]))
    step = int(arrays["iteration"]), int(arrays["max_iteration"])
    head_rate = schedule.set_learning_rate(optimizer, *step)
    backbone, head = optimizer.param_groups
    assert head["lr"] == head_rate
    settings = {name: head[name] for name in ("weight_decay", "momentum", "nesterov")}
    assert settings == {name: backbone[name] for name in settings}
    return settings | {
        "backbone_lr": backbone["lr"],
        "head_lr": head_rate,
        "decay": schedule.decay(*step),
    }


def compare_learning_rate(values: Mapping[str, Any], arrays: Arrays, info: Info) -> None:
    del info
    comparison = Comparison(arrays, ("iteration", "max_iteration", "base_lr"))
    for name in ("backbone_lr", "head_lr", "decay"):
        comparison.close(name, values[name], rtol=LEARNING_RATE_RTOL)
    for name in ("weight_decay", "momentum", "nesterov"):
        comparison.exact(name, values[name])
    comparison.finish()


def check_learning_rate_case(arrays: Arrays, info: Info) -> None:
    compare_learning_rate(compute_learning_rate(arrays, info), arrays, info)
