"""Training a classifier: cross-entropy with label weights, one yielded record an epoch.

A step is: batch of views -> augmentation of the batch -> (fast adversarial training: an FGSM step)
-> forward pass, in which an augmentation may mix hidden layers -> cross-entropy with smoothed label
weights. The FGSM step is a training-mode pass of its own: see `fast_inputs` for what that means to
batch norm and to manifold mixup. Every random draw depends on seed, epoch and step alone, so that a
resumed run goes on as the uninterrupted one would have.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genmix_da.augment.source_task import TrainingSet
from genmix_da.classify.attacks import AttackedNetwork, fast_inputs
from genmix_da.classify.augmentations import Augmentation
from genmix_da.classify.augmentations.companion import Companion
from genmix_da.classify.network import ClassifierNetwork
from genmix_da.classify.schedule import Length, build_optimizer, set_learning_rate
from genmix_da.classify.task import ClassifyTask
from genmix_da.data.shown_views import ShownViews
from lead.epoch_state import EpochState
from lead.errors import DivergedError
from lead.evaluation import EVALUATION_BATCH
from lead.precision import Precision
from lead.seeds import derive, seed_epoch

# Looking at the loss makes the CPU wait for a GPU, so there it is looked at now and then.
CHECK_EVERY = 50
_ADVICE = "lower --lr, or lengthen --warmup-steps"


class SpoiledEpochError(DivergedError):
    """The first loss after an epoch is not finite: its last update has spoiled the network.

    The weights may still be finite then, though so large that no forward pass is.
    """


@dataclass(frozen=True)
class TrainedEpoch:
    """What one finished epoch yields.

    Attributes:
        epoch: counted from 1.
        step: optimiser steps so far.
        loss: mean training loss.
        accuracy: share of views whose likeliest class is the one with the largest label weight.
        learning_rate: of the classifier at the last step.
        seconds: wall time.
        state: call it for the training state to save, before the next epoch is asked for.
    """

    epoch: int
    step: int
    loss: float
    accuracy: float
    learning_rate: float
    seconds: float
    state: Callable[[], dict[str, Any]]


def train_epochs(
    task: ClassifyTask,
    network: ClassifierNetwork,
    data: TrainingSet,
    augmentation: Augmentation,
    length: Length,
    *,
    state: Mapping[str, Any] | None = None,
) -> Iterator[TrainedEpoch]:
    """Train the network in place.

    Args:
        task: configuration and device.
        network: on the device.
        data: views and labels.
        augmentation: of batches and hidden layers.
        length: steps, epochs and schedule.
        state: of a `TrainedEpoch`, to go on after it with the same results.

    Raises:
        DivergedError: a loss, or a weight at the end of an epoch, is no longer finite; says at
            which step.
        SpoiledEpochError: the same at the first step after an epoch that was yielded.
    """
    config = task.config
    torch.manual_seed(derive(config.seed, "companion"))
    beside = augmentation.companion(network)
    optimizer = build_optimizer(network, config, beside)
    precision = Precision(task.device, mixed=config.mixed_precision)
    progress = EpochState(network, optimizer, precision, state)
    if beside is not None and state is not None:
        beside.load_state_dict(state["companion"])
    labels = torch.from_numpy(data.labels).to(task.device)

    def beside_state() -> dict[str, Any]:
        return {} if beside is None else {"companion": beside.state_dict()}

    stepper = _Stepper(task, network, augmentation, beside, precision)
    for epoch in range(progress.done + 1, length.epochs + 1):
        started = time.perf_counter()
        network.train()
        draw = seed_epoch(config.seed, "classify", epoch)
        first = (epoch - 1) * length.per_epoch
        batches = data.views.training_batches(config.batch_size, draw, length.steps_of(epoch))
        losses: list[Tensor] = []
        right = torch.zeros((), device=task.device)
        rate = 0.0
        for step, (rows, images) in enumerate(batches, start=first + 1):
            rate = set_learning_rate(optimizer, length.factor(step))
            loss, hits = stepper.loss(images, labels[rows], step)
            losses.append(loss.detach())
            if task.device.type == "cpu":
                _check_losses(losses[-1:], step, epoch, length)
            elif step % CHECK_EVERY == 0:
                _check_losses(losses[-CHECK_EVERY:], step, epoch, length)
            precision.step(loss, optimizer)
            if beside is not None:
                beside.after_step(network, step / length.total)
            right += hits
        _check_losses(losses[-CHECK_EVERY:], first + len(losses), epoch, length)
        _check_weights((network, beside), first + len(losses), epoch, length)
        yield TrainedEpoch(
            epoch,
            first + len(losses),
            float(torch.stack(losses).mean()),
            float(right) / (len(losses) * config.batch_size),
            rate,
            time.perf_counter() - started,
            progress.after(epoch, beside_state),
        )


class _Stepper:
    """The loss of a batch."""

    def __init__(
        self,
        task: ClassifyTask,
        network: ClassifierNetwork,
        augmentation: Augmentation,
        beside: Companion | None,
        precision: Precision,
    ) -> None:
        self._config = task.config
        self._class_count = len(task.classes)
        self._network = network
        self._augmentation, self._beside = augmentation, beside
        self._precision = precision
        self._attacked = AttackedNetwork(network, task.preprocessing, task.device, precision)

    def loss(self, images: Tensor, labels: Tensor, step: int) -> tuple[Tensor, Tensor]:
        """Mean loss and number of right answers.

        Args:
            images: [B, 3, S, S] views.
            labels: [B].
            step: counted from 1 over the whole run.
        """
        config, network = self._config, self._network
        draw = np.random.default_rng(derive(config.seed, "batch", step))
        weights = F.one_hot(labels, self._class_count).float()
        images, weights = self._augmentation.batch(images, weights, draw)
        if config.adversarial == "fast":
            images = fast_inputs(self._attacked, images, weights, config.epsilon, draw)
        with self._precision.autocast():
            if self._beside is not None:
                found = self._beside.objective(network, images, weights, self._compared, draw)
                loss, logits, weights = found.loss, found.logits, found.weights
            else:
                logits, weights = self._augmentation.forward(network, images, weights, draw)
                loss = self._compared(logits, weights)
        return loss, (logits.detach().argmax(dim=1) == weights.argmax(dim=1)).sum()

    def _compared(self, logits: Tensor, weights: Tensor) -> Tensor:
        smoothing = self._config.label_smoothing
        return F.cross_entropy(logits.float(), weights, label_smoothing=smoothing)


def _check_losses(losses: list[Tensor], step: int, epoch: int, length: Length) -> None:
    """Raise where one of the losses of an epoch's steps up to `step` is not finite."""
    finite = torch.stack(losses).isfinite()
    if bool(finite.all()):
        return
    bad = step - len(losses) + 1 + int((~finite).int().argmax())
    first = bad == (epoch - 1) * length.per_epoch + 1
    kind = SpoiledEpochError if first and epoch > 1 else DivergedError
    raise kind(f"the loss is not finite at {place(bad, epoch, length)}; {_ADVICE}")


def _check_weights(
    modules: Iterable[nn.Module | None], step: int, epoch: int, length: Length
) -> None:
    """Raise where a parameter or a buffer is not finite after a step."""
    held = [module for module in modules if module is not None]
    tensors = [tensor for module in held for tensor in module.state_dict().values()]
    # One answer for all: each question makes the CPU wait for a GPU.
    if not bool(torch.stack([tensor.isfinite().all() for tensor in tensors]).all()):
        raise DivergedError(
            f"the weights are not finite after {place(step, epoch, length)}; {_ADVICE}"
        )


def place(step: int, epoch: int, length: Length) -> str:
    """Where a run is, for messages: "step 15 of 21 (epoch 3)".

    Args:
        step, epoch: counted from 1.
        length: of the run.
    """
    return f"step {step} of {length.total} (epoch {epoch})"


@torch.no_grad()
def predict(
    task: ClassifyTask, network: ClassifierNetwork, views: ShownViews, after: str = ""
) -> Tensor:
    """Class probabilities of all samples of a part, on the CPU: [N, C].

    Args:
        task: device and precision.
        network: on the device.
        views: of the N samples.
        after: how far the network is trained, for the message; see `place`.

    Raises:
        DivergedError: the network gives values that are not finite.
    """
    precision = Precision(task.device, mixed=task.config.mixed_precision)
    network.eval()
    found = []
    for images in views.evaluation_batches(EVALUATION_BATCH):
        with precision.autocast():
            logits = network(images)
        found.append(torch.softmax(logits, dim=1).cpu())
    probability = torch.cat(found)
    if not bool(probability.isfinite().all()):
        when = f" after {after}" if after else ""
        raise DivergedError(f"the network gives values that are not finite{when}; {_ADVICE}")
    return probability
