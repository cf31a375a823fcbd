"""Pre-training: one yielded record an epoch.

Order of images, views and shuffling hang on seed, epoch and image alone, so that a resumed run
goes on as the uninterrupted one would have. The learning rate falls by half a cosine from its first
step on; both papers have no warm-up.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from genmix_da.classify.schedule import Length
from genmix_da.classify.training import CHECK_EVERY, place
from genmix_da.progress import track
from genmix_da.selfsupervised.network import PretrainedNetwork, unit_spread
from genmix_da.selfsupervised.task import SelfSupervisedTask
from genmix_da.selfsupervised.views import Pictures, TwoViews, view_batches, view_transform
from lead.epoch_state import EpochState
from lead.errors import DivergedError
from lead.precision import Precision
from lead.seeds import batches, seed_epoch

MOST_WORKERS = 8
_TRIED = 8  # views that the backbone is tried on


@dataclass(frozen=True)
class PretrainedEpoch:
    """What one finished epoch yields.

    Attributes:
        epoch: counted from 1.
        step: optimiser steps so far.
        loss: mean over its steps.
        learning_rate: at its last step.
        feature_std: mean of `unit_spread` over its steps.
        seconds: wall time.
        state: call it for the training state to save, before the next epoch is asked for.
    """

    epoch: int
    step: int
    loss: float
    learning_rate: float
    feature_std: float
    seconds: float
    state: Callable[[], dict[str, Any]]


def pretrain_epochs(
    task: SelfSupervisedTask,
    network: PretrainedNetwork,
    pictures: Pictures,
    *,
    state: Mapping[str, Any] | None = None,
) -> Iterator[PretrainedEpoch]:
    """Train the network in place.

    Args:
        task: configuration and device.
        network: on the device.
        pictures: that views are cut from.
        state: of a `PretrainedEpoch`, to go on after it with the same results.

    Raises:
        UserError: lightly is not installed.
        DivergedError: a loss, or at the end of an epoch what the backbone gives, is no longer
            finite; says where. What was yielded before can be used.
    """
    config = task.config
    transform = view_transform(config, task.preprocessing)
    optimizer = _optimizer(task, network)
    precision = Precision(task.device, mixed=config.mixed_precision)
    progress = EpochState(network, optimizer, precision, state)
    if state is not None:
        network.remember(state["memory"])
    length = run_length(task)
    workers = workers_of(config.workers, task.device)
    for epoch in range(progress.done + 1, length.epochs + 1):
        started = time.perf_counter()
        network.train()
        draw = seed_epoch(config.seed, "pretrain", epoch)
        plan = batches(len(pictures), config.batch_size, draw)
        first = (epoch - 1) * length.per_epoch
        views = view_batches(
            TwoViews(pictures, transform, config.seed, epoch), plan, task.device, workers
        )
        losses: list[Tensor] = []
        spreads: list[Tensor] = []
        rate = 0.0
        for step, (one, other) in enumerate(track(views, "training", len(plan)), start=first + 1):
            rate = _set_learning_rate(optimizer, length.factor(step))
            with precision.autocast():
                loss, projections = network(one, other)
            losses.append(loss.detach())
            spreads.append(unit_spread(projections))
            # Looking at the loss makes the CPU wait for a GPU, so there it is done now and then.
            if task.device.type == "cpu" or step % CHECK_EVERY == 0:
                _check(losses, step, epoch, length)
            precision.step(loss, optimizer)
        _check(losses, first + len(losses), epoch, length)
        _check_backbone(network, one, place(first + len(losses), epoch, length))
        yield PretrainedEpoch(
            epoch,
            first + len(losses),
            float(torch.stack(losses).mean()),
            rate,
            float(torch.stack(spreads).mean()),
            time.perf_counter() - started,
            progress.after(epoch, lambda: {"memory": network.memory()}),
        )


def run_length(task: SelfSupervisedTask) -> Length:
    """Steps and schedule of a run: passes over the originals, without warm-up."""
    per_epoch, epochs = task.steps_per_epoch, int(task.config.epochs or 0)
    return Length(per_epoch * epochs, per_epoch, 0, epochs)


def workers_of(given: int | None, device: torch.device) -> int:
    """How many processes cut views: as given, else none on a CPU and up to 8 beside a GPU."""
    if given is not None:
        return given
    return 0 if device.type == "cpu" else min(MOST_WORKERS, os.cpu_count() or 1)


def _optimizer(task: SelfSupervisedTask, network: PretrainedNetwork) -> torch.optim.SGD:
    """SGD with plain momentum, as published; all parameters are decayed."""
    config = task.config
    return torch.optim.SGD(
        network.trained(),
        lr=float(config.lr or 0),
        momentum=config.momentum,
        weight_decay=config.weight_decay,
        # One pass over the weights on a CPU, which is bound by memory.
        fused=True if task.device.type == "cpu" else None,
    )


def _set_learning_rate(optimizer: torch.optim.Optimizer, factor: float) -> float:
    """Set the rate of every group that has none of its own; returns the first group's."""
    for group in optimizer.param_groups:
        group.setdefault("base_lr", group["lr"])
        if not group.get("fixed"):
            group["lr"] = group["base_lr"] * factor
    return float(optimizer.param_groups[0]["lr"])


def _check(losses: list[Tensor], step: int, epoch: int, length: Length) -> None:
    """Raise where one of the last losses, up to that of `step`, is not finite."""
    last = torch.stack(losses[-CHECK_EVERY:]).isfinite()
    if not bool(last.all()):
        bad = step - len(last) + 1 + int((~last).int().argmax())
        raise DivergedError(f"the loss is not finite at {place(bad, epoch, length)}; lower --lr")


@torch.no_grad()
def _check_backbone(network: PretrainedNetwork, images: Tensor, after: str) -> None:
    """Raise where the network, as probes and checkpoints have it, gives no finite features.

    The last step is followed by no loss that would show it, and weights may be finite and so large
    that nothing else is.
    """
    network.eval()
    if not bool(network.backbone(images[:_TRIED]).isfinite().all()):
        raise DivergedError(f"the backbone gives no finite features after {after}; lower --lr")
