"""The loop of methods with source data: a batch of source and one of target images a step.

As in the released codes of OVANet, DANCE and UniOT (MIT): source rows are drawn class-balanced with
replacement, the target in shuffled passes, both are passed through the network one after the other
(batch norm sees each by itself), and the rate falls over all steps, the first of which has the full
one. An epoch here is a share of the steps that ends with an evaluation. A method whose steps are of
other batches brings how an epoch is trained; the rest of the loop holds for it as well.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genmix_da.methods.base import JointData
from genmix_da.progress import track
from lead.epoch_state import EpochState
from lead.epochs import Run, TargetConfig, TargetEpoch
from lead.errors import DivergedError
from lead.evaluation import Evaluation, evaluate
from lead.network import HeadedNetwork
from lead.precision import Precision
from lead.schedule import build_optimizer, set_learning_rate
from lead.seeds import batches, derive, seed_epoch
from lead.views import Views

WEIGHT_DECAY = 5e-4


@dataclass(frozen=True)
class Batch:
    """What a step is made of.

    Attributes:
        source, labels: [B, ...] training views and their classes [B].
        target, rows: [B, ...] training views and their rows [B] in the target.
        number: of the step, from 0.
    """

    source: Tensor
    labels: Tensor
    target: Tensor
    rows: Tensor
    number: int


class Remembers(Protocol):
    """What a method carries from one epoch to the next."""

    @property
    def names(self) -> Sequence[str]:
        """Of the losses, the total last."""
        ...

    def state(self) -> dict[str, Any]:
        """What it remembers, for a training state."""
        ...

    def resume(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave."""
        ...


class Learner(Remembers, Protocol):
    """What a method does with a batch, and what it remembers from one to the next."""

    def step(self, batch: Batch) -> Tensor:
        """Train on a batch; the losses of `names`, the total last."""
        ...


@dataclass(frozen=True)
class Span:
    """The steps of an epoch.

    Attributes:
        epoch: counted from 1.
        first, last: of its steps, counted from 0, the last not among them.
        total: steps of the run.
    """

    epoch: int
    first: int
    last: int
    total: int


@dataclass(frozen=True)
class Trained:
    """What an epoch's training gave.

    Attributes:
        losses: of every step.
        learning_rate: of the last step.
        images: target images that were trained on.
    """

    losses: Sequence[Tensor]
    learning_rate: float
    images: int


RemembersT = TypeVar("RemembersT", bound=Remembers)


def joint_epochs(
    data: JointData,
    network: HeadedNetwork,
    views: Views,
    config: TargetConfig,
    begin: Callable[[Run], Learner],
    *,
    state: Mapping[str, Any] | None = None,
) -> Iterator[TargetEpoch]:
    """Train `data.network` on source and target; see `genmix_da.methods.base.JointAdapt`.

    Args:
        data, network, views, state: see there.
        config: epochs, batch of each of source and target, rates.
        begin: gives what takes a step, from how it is optimised.

    Raises:
        TooFewImagesError: fewer target images than a batch.
        DivergedError: losses or features are no longer finite.
    """

    def train(learner: Learner, run: Run, span: Span) -> Trained:
        losses, rate, steps = [], 0.0, span.last - span.first
        parts = paired_batches(data, views, config, span.epoch, steps)
        for number, part in enumerate(parts, span.first):
            rate = set_learning_rate(run.optimizer, number, span.total)
            losses.append(learner.step(Batch(*part, number)).detach())
        return Trained(losses, rate, steps * config.batch_size)

    return trained_epochs(data, network, views, config, begin, train, state=state)


def trained_epochs(
    data: JointData,
    network: HeadedNetwork,
    views: Views,
    config: TargetConfig,
    begin: Callable[[Run], RemembersT],
    train: Callable[[RemembersT, Run, Span], Trained],
    *,
    state: Mapping[str, Any] | None = None,
    weight_decay: float = WEIGHT_DECAY,
) -> Iterator[TargetEpoch]:
    """The loop around the training of each epoch; see `joint_epochs`.

    Args:
        data, network, views, config, state: see there.
        begin: gives what is trained by, from how it is optimised.
        train: trains `data.network`, which is in training mode, by the steps of one epoch.
        weight_decay: of all parameters.

    Raises:
        DivergedError: losses or features are no longer finite.
    """
    trained = data.network
    optimizer = build_optimizer(
        trained,
        config.learning_rate,
        backbone_factor=config.backbone_factor,
        weight_decay=weight_decay,
    )
    run = Run(optimizer, Precision(views.device, mixed=config.mixed_precision))
    progress = EpochState(trained, optimizer, run.precision, state)
    learner = begin(run)
    if state is None:
        started = time.perf_counter()
        current = evaluate(network, views, precision=run.precision)
        seconds = {"evaluate": time.perf_counter() - started}
        taken = progress.after(0, partial(_kept, learner, current))
        yield TargetEpoch(0, current, {}, 0.0, None, 0, None, seconds, taken, network)
    else:
        learner.resume(state)
    total = max(data.steps, config.epochs)
    for epoch in range(progress.done + 1, config.epochs + 1):
        first, last = (total * done // config.epochs for done in (epoch - 1, epoch))
        started = time.perf_counter()
        trained.train()
        done = train(learner, run, Span(epoch, first, last, total))
        mean = torch.stack(list(done.losses)).double().mean(dim=0).tolist()
        if not np.isfinite(mean[-1]):
            raise DivergedError(
                f"adaptation diverged in epoch {epoch} (loss {mean[-1]}); lower the learning rate"
            )
        ended = time.perf_counter()
        current = evaluate(trained, views, precision=run.precision)
        yield TargetEpoch(
            epoch,
            current,
            dict(zip(learner.names, mean, strict=True)),
            done.learning_rate,
            None,
            0,
            None,
            {"train": ended - started, "evaluate": time.perf_counter() - ended},
            progress.after(epoch, partial(_kept, learner, current)),
            trained,
            done.images,
        )


def _kept(learner: Remembers, current: Evaluation) -> dict[str, Any]:
    """What is remembered, and the evaluation, with which a finished run is written again."""
    own = current.own_uncertainty
    return learner.state() | {
        "features": current.features.cpu(),
        "probability": current.probability.cpu(),
        **({} if own is None else {"uncertainty": own.cpu()}),
    }


def paired_batches(
    data: JointData, views: Views, config: TargetConfig, epoch: int, steps: int
) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Source views, labels, target views and rows of each step of an epoch, see `Batch`.

    Args:
        data, views, config: source, target, batch size and seed.
        epoch, steps: its number and how many there are.

    Raises:
        TooFewImagesError: fewer target images than a batch.
    """
    labels = torch.from_numpy(data.labels).to(views.device)
    draw = np.random.default_rng(derive(config.seed, "joint source", epoch))
    source_plan = balanced_rows(data.labels, config.batch_size, steps, draw)
    other = seed_epoch(config.seed, "joint target", epoch)
    target_plan: list[NDArray[np.int64]] = []
    while len(target_plan) < steps:
        target_plan += batches(len(views), config.batch_size, other)
    pairs = zip(
        data.views.batches_of(source_plan, draw),
        views.batches_of(target_plan[:steps], other),
        strict=True,
    )
    for (chosen, source), (rows, target) in track(pairs, "training", steps):
        yield source, labels[chosen], target, rows


def balanced_rows(
    labels: NDArray[np.int64], batch_size: int, steps: int, draw: np.random.Generator
) -> list[NDArray[np.int64]]:
    """Rows [B] of every step, drawn with replacement, each class as often as any other."""
    weight = 1.0 / np.bincount(labels)[labels]
    rows = draw.choice(len(labels), size=(steps, batch_size), p=weight / weight.sum())
    return list(rows)
