"""How long a run is, and the learning rate of each of its steps.

Linear warm-up over W steps, then half a cosine over the rest of T (Loshchilov and Hutter, ICLR
2017, without restarts). With steps t counted from 1, the factor on the highest rate is

    t / W                                     for t <= W
    (1 + cos(pi * (t - W - 1) / (T - W))) / 2 for t > W

so that the first step after warm-up has the whole rate and the last one still learns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn

from genmix_da.classify.augmentations.companion import Companion
from genmix_da.classify.config import EVALUATIONS, ClassifyConfig
from genmix_da.classify.network import ClassifierNetwork
from lead.schedule import sgd

WARMUP_SHARE = 0.05


@dataclass(frozen=True)
class Length:
    """How long a run is.

    Attributes:
        total: T, optimiser steps in all.
        per_epoch: steps of an epoch; the last epoch may be shorter.
        warmup: W, at most T - 1.
        eval_every: epochs between two evaluations.
    """

    total: int
    per_epoch: int
    warmup: int
    eval_every: int

    @property
    def epochs(self) -> int:
        """Number of epochs, the last one perhaps cut short."""
        return math.ceil(self.total / self.per_epoch)

    def steps_of(self, epoch: int) -> int:
        """Steps of an epoch, counted from 1."""
        return min(self.per_epoch, self.total - (epoch - 1) * self.per_epoch)

    def evaluates(self, epoch: int) -> bool:
        """Whether an epoch is evaluated."""
        return epoch % self.eval_every == 0 or epoch == self.epochs

    def factor(self, step: int) -> float:
        """Factor on the highest learning rate at a step, counted from 1."""
        if step <= self.warmup:
            return step / self.warmup
        progress = (step - self.warmup - 1) / (self.total - self.warmup)
        return (1 + math.cos(math.pi * progress)) / 2


def run_length(config: ClassifyConfig, originals: int, images: int) -> Length:
    """How long a run is: with the budget "steps" as long as on the originals alone.

    Args:
        config: epochs or steps, batch size, budget, warm-up.
        originals: training images before augmentation, at least a batch.
        images: with those that were made.
    """
    count = originals if config.budget == "steps" else images
    per_epoch = count // config.batch_size
    total = config.steps or int(config.epochs or 0) * per_epoch
    if config.warmup_steps is not None:
        warmup = config.warmup_steps
    elif config.warmup_epochs is not None:
        # Any finite number may be given; so large a product is no number to round.
        warmup = round(min(config.warmup_epochs * per_epoch, total))
    else:
        warmup = round(WARMUP_SHARE * total)
    epochs = math.ceil(total / per_epoch)
    return Length(
        total,
        per_epoch,
        min(warmup, total - 1),
        config.eval_every or math.ceil(epochs / EVALUATIONS),
    )


def build_optimizer(
    network: ClassifierNetwork, config: ClassifyConfig, beside: Companion | None = None
) -> torch.optim.Optimizer:
    """SGD with Nesterov momentum or AdamW; `base_lr` is kept in each group, the head's last.

    Biases and normalisation layers (tensors of one dimension) are not decayed.

    Args:
        network: that is trained.
        config: rates and decay.
        beside: what an augmentation trains, too.
    """
    rate, decay = float(config.lr or 0), float(config.weight_decay or 0)
    factor = 1.0 if config.backbone_factor is None else config.backbone_factor
    trained: list[tuple[nn.Module, float]] = [(network.backbone, rate * factor)]
    if beside is not None:
        trained.append((beside, rate * beside.lr_factor))
    groups = []
    for module, base in (*trained, (network.head, rate)):
        parameters = [p for p in module.parameters() if p.requires_grad]
        flat = [p for p in parameters if p.ndim <= 1]
        groups += [
            {"params": flat, "base_lr": base, "weight_decay": 0.0},
            {"params": [p for p in parameters if p.ndim > 1], "base_lr": base},
        ]
    groups = [group for group in groups if group["params"]]
    if config.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=rate, weight_decay=decay)
    return sgd(groups, rate, momentum=config.momentum, weight_decay=decay)


def set_learning_rate(optimizer: torch.optim.Optimizer, factor: float) -> float:
    """Set every group's rate; returns the last group's, the classifier's."""
    for group in optimizer.param_groups:
        group["lr"] = group["base_lr"] * factor
    return float(optimizer.param_groups[-1]["lr"])
