"""What the training files of methods with source data have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

from genmix_da.methods.joint import WEIGHT_DECAY, Batch
from golden_methods.files import Arrays
from golden_values.comparison import tensor
from golden_values.train import CPU
from lead import schedule
from lead.epochs import Run
from lead.network import HeadedNetwork
from lead.precision import Precision

PARAMETER = 6e-7
LOGITS = 3e-5
UNIT = 2e-6


def backbone_of(arrays: Arrays) -> nn.Module:
    """relu(linear), the backbone of these files."""
    width, size = arrays["init_backbone_weight"].shape
    return nn.Sequential(nn.Linear(size, width), nn.ReLU())


def fill(network: HeadedNetwork, arrays: Arrays, names: dict[str, str]) -> None:
    """Give the network a file's parameters; `names`: the file's -> ours."""
    network.load_state_dict({ours: tensor(arrays[f"init_{name}"]) for name, ours in names.items()})


def run_of(network: HeadedNetwork, case: dict[str, Any]) -> Run:
    """How a file's network is optimised."""
    optimizer = schedule.build_optimizer(
        network,
        case["lr"],
        backbone_factor=case["backbone_lr_factor"],
        weight_decay=WEIGHT_DECAY,
    )
    return Run(optimizer, Precision(CPU))


def steps(
    arrays: Arrays, case: dict[str, Any], run: Run, rows: str | None, first: int = 0
) -> Iterator[Batch]:
    """The batches of a file, the rate set for each.

    Args:
        arrays, case: of the file.
        run: see `run_of`.
        rows: array with the target's rows; None: they play no part.
        first: number of the first step.
    """
    most = case["schedule_max_step"]
    for index, labels in enumerate(arrays["source_labels"]):
        number = first + index
        schedule.set_learning_rate(run.optimizer, min(index, most), most)
        chosen = np.arange(len(labels)) if rows is None else arrays[rows][index]
        yield Batch(
            tensor(arrays["source_inputs"][index]),
            tensor(labels),
            tensor(arrays["target_inputs"][index]),
            tensor(chosen),
            number,
        )


def rates(run: Run) -> list[float]:
    return [group["lr"] for group in run.optimizer.param_groups]


def stacked(steps: list[dict[str, Any]]) -> dict[str, np.ndarray]:
    """Values of every step, one array a name."""
    return {name: np.stack([np.asarray(step[name]) for step in steps]) for name in steps[0]}


def parameters(network: HeadedNetwork, names: dict[str, str]) -> dict[str, torch.Tensor]:
    held = network.state_dict()
    return {f"after_{name}": held[ours].clone() for name, ours in names.items()}


def with_gradients(function: Callable[..., torch.Tensor], *given: np.ndarray) -> list[np.ndarray]:
    """The gradients of a scalar with respect to what it is computed from."""
    inputs = [tensor(array).requires_grad_() for array in given]
    function(*inputs).backward()
    return [np.asarray(item.grad) for item in inputs if item.grad is not None]


def close_gradient(name: str, value: np.ndarray, arrays: Arrays, held: Any) -> None:
    """Within 2e-5 of the largest entry."""
    held.close(name, value, atol=2e-5 * float(np.abs(arrays[name]).max()) + 1e-7)
