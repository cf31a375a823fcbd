"""The loop of source-free adaptation by pseudo-labels: LEAD's, and that of its kin.

Each epoch: pseudo-label every sample from the last evaluation pass, train on augmented views
against a frozen classifier, evaluate once (that pass scores this epoch and labels the next). No
target label enters this module.
Re-implementation of LEAD (Qu et al., CVPR 2024); verified against the released code (MIT).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.optim import SGD

from lead.bank import Bank
from lead.clusters import ClusterEstimate
from lead.epoch_state import EpochState
from lead.errors import DivergedError
from lead.evaluation import Evaluation, evaluate
from lead.large import copied
from lead.network import HeadedNetwork, Network
from lead.precision import Precision
from lead.schedule import BACKBONE_FACTOR, build_optimizer, set_learning_rate
from lead.seeds import seed_epoch
from lead.views import Views


@dataclass(frozen=True)
class TargetConfig:
    """Settings of LEAD; defaults as published for Office-Home.

    Attributes:
        epochs: passes over the target.
        batch_size: images a step; the last, smaller batch of an epoch is dropped.
        learning_rate: base rate of the bottleneck (the classifier is frozen).
        backbone_factor: multiplies the backbone's rate.
        lambda_psd: weight of the pseudo-label loss.
        reestimate_every: epochs between two estimates of C_t.
        cluster_estimator: "tsne" (published), "landmarks" or "features"; see
            `lead.clusters.estimate_clusters`.
        subsample_estimation: estimate C_t on a third of the samples (published for VisDA-C).
        confident_weight: "released" or "paper", see `assign_pseudo_labels`.
        seed: of batch order, crops and flips.
        mixed_precision: on CUDA.
    """

    epochs: int = 50
    batch_size: int = 64
    learning_rate: float = 0.001
    backbone_factor: float = BACKBONE_FACTOR
    lambda_psd: float = 2.0
    reestimate_every: int = 10
    cluster_estimator: str = "tsne"
    subsample_estimation: bool = False
    confident_weight: str = "released"
    seed: int = 2021
    mixed_precision: bool = True


class HasUnknown(Protocol):
    """What the pseudo-labels of every method have; LEAD's are `PseudoLabels`."""

    @property
    def is_unknown(self) -> Tensor:
        """[N] bool."""
        ...


LabelsT = TypeVar("LabelsT", bound=HasUnknown)
FoundT = TypeVar("FoundT", bound=HasUnknown, covariant=True)


@dataclass(frozen=True)
class TargetEpoch:
    """What one finished epoch yields. Epoch 0 is the source model before adaptation.

    Attributes:
        epoch: counted from 1; 0 is the source model.
        evaluation: features and probabilities after this epoch.
        losses: mean of each loss; empty at epoch 0.
        learning_rate: of the last step's bottleneck; 0 at epoch 0.
        pseudo_labels: used by this epoch; None at epoch 0.
        cluster_count: C_t used by this epoch; 0 at epoch 0.
        estimate: the search for C_t, in the epochs that made one.
        seconds: wall time of "estimate", "train" and "evaluate".
        state: call it for the training state to save, before the next epoch is asked for.
        network: that was evaluated, where it is not the one that was given to adapt.
        images: target images that the epoch trained on; None: a pass over all, in full batches.
    """

    epoch: int
    evaluation: Evaluation
    losses: dict[str, float]
    learning_rate: float
    pseudo_labels: HasUnknown | None
    cluster_count: int
    estimate: ClusterEstimate | None
    seconds: dict[str, float]
    state: Callable[[], dict[str, Any]]
    network: HeadedNetwork | None = None
    images: int | None = None


class Labelling(Protocol[FoundT]):
    """Where an epoch's pseudo-labels come from; see `Labeller`."""

    @property
    def cluster_count(self) -> int:
        """C_t."""
        ...

    def estimate(self, current: Evaluation, epoch: int) -> ClusterEstimate | None:
        """Search C_t anew, in the epochs where that is due."""
        ...

    def label(self, current: Evaluation) -> FoundT:
        """Label every sample."""
        ...

    def state(self, current: Evaluation) -> dict[str, Any]:
        """What the next epoch is labelled from."""
        ...

    def resume(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave."""
        ...


@dataclass(frozen=True)
class Run:
    """What a step needs beside its batch: how it is optimised, and how passes are run."""

    optimizer: SGD
    precision: Precision


TakeStep = Callable[[Run, Tensor, Tensor, LabelsT, Bank], Tensor]


def pseudo_label_epochs(
    network: Network,
    views: Views,
    config: TargetConfig,
    begin: Callable[[], tuple[Labelling[LabelsT], TakeStep[LabelsT]]],
    names: Sequence[str],
    *,
    state: Mapping[str, Any] | None = None,
) -> Iterator[TargetEpoch]:
    """The loop of LEAD and its kin: label the target, train a pass, evaluate; see `adapt_target`.

    Args:
        network: its classifier is frozen.
        views: target images.
        config: epochs, batches, rates.
        begin: called when the network has its weights, also of a state; gives where the
            pseudo-labels come from, and the step: (run, images, rows, labels, bank) -> losses, the
            total last. The bank is made of the evaluation before the epoch.
        names: of the losses.
        state: of a `TargetEpoch`, to go on after it.

    Raises:
        TooFewImagesError: fewer images than a batch.
        DivergedError: losses or features are no longer finite.
    """
    network.freeze_classifier()
    optimizer = build_optimizer(
        network, config.learning_rate, backbone_factor=config.backbone_factor
    )
    run = Run(optimizer, Precision(views.device, mixed=config.mixed_precision))
    progress = EpochState(network, optimizer, run.precision, state)
    labelling, take_step = begin()
    if state is None:
        started = time.perf_counter()
        current = evaluate(network, views, precision=run.precision)
        seconds = {"evaluate": time.perf_counter() - started}
        taken = progress.after(0, partial(labelling.state, current))
        yield TargetEpoch(0, current, {}, 0.0, None, 0, None, seconds, taken)
    else:
        labelling.resume(state)
        kept = (state[name].to(views.device) for name in ("features", "probability"))
        current = Evaluation(*kept)
    for epoch in range(progress.done + 1, config.epochs + 1):
        started = time.perf_counter()
        estimate = labelling.estimate(current, epoch)
        estimated = time.perf_counter()
        labels = labelling.label(current)
        bank = Bank(copied(current.features), copied(current.probability))
        step = partial(take_step, run)
        network.train()
        losses, rate = _train_epoch(views, config, epoch, optimizer, step, labels, bank)
        if not np.isfinite(losses[-1]):
            raise DivergedError(
                f"adaptation diverged in epoch {epoch} (loss {losses[-1]}); lower the learning rate"
            )
        trained = time.perf_counter()
        current = evaluate(network, views, precision=run.precision)
        seconds = {
            "estimate": estimated - started,
            "train": trained - estimated,
            "evaluate": time.perf_counter() - trained,
        }
        yield TargetEpoch(
            epoch,
            current,
            dict(zip(names, losses, strict=True)),
            rate,
            labels,
            labelling.cluster_count,
            estimate,
            seconds,
            progress.after(epoch, partial(labelling.state, current)),
        )


def _train_epoch(
    views: Views,
    config: TargetConfig,
    epoch: int,
    optimizer: SGD,
    step: Callable[[Tensor, Tensor, LabelsT, Bank], Tensor],
    labels: LabelsT,
    bank: Bank,
) -> tuple[list[float], float]:
    """One pass of training; returns the mean losses and the last learning rate."""
    draw = seed_epoch(config.seed, "target", epoch)
    steps = len(views) // config.batch_size
    losses, rate = [], 0.0
    loaded = views.training_batches(config.batch_size, draw)
    for number, (rows, images) in enumerate(loaded, start=1):
        rate = set_learning_rate(optimizer, (epoch - 1) * steps + number, config.epochs * steps)
        losses.append(step(images, rows, labels, bank))
    return torch.stack(losses).double().mean(dim=0).tolist(), rate
