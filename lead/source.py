"""Source training: label-smoothed cross-entropy on the labelled source images.

Defaults as published: 50 epochs, batch 64, learning rate 0.01 (backbone a tenth), smoothing 0.1,
last epoch kept. Re-implementation; verified against the LEAD authors' released code (MIT).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lead.epoch_state import EpochState
from lead.errors import DivergedError
from lead.losses import smoothed_cross_entropy
from lead.network import Network
from lead.precision import Precision
from lead.schedule import BACKBONE_FACTOR, build_optimizer, set_learning_rate
from lead.seeds import seed_epoch
from lead.views import Views


@dataclass(frozen=True)
class SourceConfig:
    """Settings of source training.

    Attributes:
        epochs: passes over the source.
        batch_size: images a step; the last, smaller batch of an epoch is dropped.
        steps_per_epoch: at most this many steps an epoch, drawn from all images; None: all. With
            augmented images beside the originals it keeps the number of steps as it was.
        learning_rate: base rate of bottleneck and classifier.
        backbone_factor: multiplies the backbone's rate.
        label_smoothing: epsilon in [0, 1).
        seed: of batch order, crops and flips.
        mixed_precision: on CUDA.
    """

    epochs: int = 50
    batch_size: int = 64
    steps_per_epoch: int | None = None
    learning_rate: float = 0.01
    backbone_factor: float = BACKBONE_FACTOR
    label_smoothing: float = 0.1
    seed: int = 2021
    mixed_precision: bool = True


@dataclass(frozen=True)
class SourceEpoch:
    """What one finished epoch yields.

    Attributes:
        epoch: counted from 1.
        loss: mean training loss.
        accuracy: share of training views classified rightly while training.
        learning_rate: of the last step's head.
        seconds: wall time.
        state: call it for the training state to save, before the next epoch is asked for.
    """

    epoch: int
    loss: float
    accuracy: float
    learning_rate: float
    seconds: float
    state: Callable[[], dict[str, Any]]


def train_source(
    network: Network,
    views: Views,
    labels: NDArray[np.int64],
    config: SourceConfig,
    *,
    state: Mapping[str, Any] | None = None,
) -> Iterator[SourceEpoch]:
    """Train the network in place, one yielded record an epoch.

    Args:
        network: on the device of `views`.
        views: source images, or features of them.
        labels: [N] classifier outputs.
        config: settings.
        state: of a `SourceEpoch`, to go on after it with the same results.

    Raises:
        TooFewImagesError: fewer images than a batch.
        DivergedError: the loss is no longer finite.
    """
    optimizer = build_optimizer(
        network, config.learning_rate, backbone_factor=config.backbone_factor
    )
    precision = Precision(views.device, mixed=config.mixed_precision)
    progress = EpochState(network, optimizer, precision, state)
    targets = torch.from_numpy(labels).to(views.device)

    for epoch in range(progress.done + 1, config.epochs + 1):
        started = time.perf_counter()
        draw = seed_epoch(config.seed, "source", epoch)
        steps = min(len(views) // config.batch_size, config.steps_per_epoch or len(views))
        losses, right, rate = [], torch.zeros((), device=views.device), 0.0
        network.train()
        for step, (rows, images) in enumerate(
            views.training_batches(config.batch_size, draw, config.steps_per_epoch), start=1
        ):
            target = targets[rows]
            with precision.autocast():
                _, logits = network(images)
            loss = smoothed_cross_entropy(logits, target, config.label_smoothing)
            rate = set_learning_rate(optimizer, (epoch - 1) * steps + step, config.epochs * steps)
            precision.step(loss, optimizer)
            losses.append(loss.detach())
            right += (logits.detach().argmax(dim=1) == target).sum()
        mean_loss = float(torch.stack(losses).mean())
        if not np.isfinite(mean_loss):
            raise DivergedError(
                f"source training diverged in epoch {epoch} (loss {mean_loss}); "
                "lower the source learning rate (--source-lr)"
            )
        yield SourceEpoch(
            epoch,
            mean_loss,
            float(right) / (steps * config.batch_size),
            rate,
            time.perf_counter() - started,
            progress.after(epoch),
        )
