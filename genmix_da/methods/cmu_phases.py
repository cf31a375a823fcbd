"""CMU's phases: pre-training, then in every epoch its heads and after them the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genmix_da.methods.base import JointData
from genmix_da.methods.cmu_adversarial import reversal
from genmix_da.methods.cmu_step import (
    HEADS,
    CmuNetwork,
    adversarial_step,
    calibrate,
    head_step,
    pretraining_step,
)
from genmix_da.methods.joint import Batch, Span, Trained, balanced_rows, paired_batches
from genmix_da.progress import track
from lead.epochs import Run, TargetConfig
from lead.evaluation import evaluate
from lead.schedule import set_learning_rate
from lead.seeds import derive
from lead.views import Views

# Of the released run: 1000 steps of pre-training; in each of 20 epochs 500 of all heads, then 1000.
PUBLISHED_STEPS = 31000
_PRETRAINING, _HEADS = 1 / 31, 1 / 3  # shares of all steps, and of those of an epoch
_ADVERSARIAL = 20000  # steps that the reversed gradient's rise is made for
NAMES = ("pretraining", "heads", "source", "adversarial", "total")


@dataclass(frozen=True)
class Cycle:
    """The steps of an epoch behind the pre-training.

    Attributes:
        first: how many went before it.
        heads, adversarial: steps of the two phases.
        calls: adversarial steps that went before it.
    """

    first: int
    heads: int
    adversarial: int
    calls: int


def cycles(total: int, epochs: int) -> tuple[int, list[Cycle]]:
    """Steps of pre-training and those of each epoch, in the proportions of the released run.

    Args:
        total: steps in all.
        epochs: how many there are.
    """
    before = round(total * _PRETRAINING)
    found: list[Cycle] = []
    calls = 0
    for epoch in range(epochs):
        first, last = ((total - before) * done // epochs for done in (epoch, epoch + 1))
        steps = last - first
        heads = max(1, round(steps * _HEADS)) if steps > 1 else 0
        found.append(Cycle(first, heads, steps - heads, calls))
        calls += steps - heads
    return before, found


class CmuLearner:
    """Trains a network by CMU; see `genmix_da.methods.joint.trained_epochs`.

    Args:
        data: the network, trained in place, and the source.
        views: target images.
        config: epochs, batch and seed.
        run: how the network is optimised.
        confident: see `calibrate`.
        weight: of the adversarial loss.
    """

    names = NAMES

    def __init__(
        self,
        data: JointData,
        views: Views,
        config: TargetConfig,
        run: Run,
        confident: float,
        weight: float,
    ) -> None:
        assert isinstance(data.network, CmuNetwork)
        self.network, self.data, self.views, self.config = data.network, data, views, config
        self.run, self.confident, self.weight = run, confident, weight
        self.labels = torch.from_numpy(data.labels).to(views.device)

    def train(self, span: Span) -> Trained:
        """Train an epoch; before the first one, the pre-training.

        Raises:
            TooFewImagesError: fewer target images than a batch.
            DivergedError: features are not finite.
        """
        before, all_cycles = cycles(span.total, self.config.epochs)
        cycle, steps = all_cycles[span.epoch - 1], span.total - before
        optimizer, run = self.run.optimizer, self.run
        first = torch.zeros((), device=self.labels.device)
        if span.epoch == 1 and before:
            self.network.train()
            set_learning_rate(optimizer, 0, 1)
            parts = self._head_batches("pretraining", 1, before)
            first = _mean([pretraining_step(self.network, run, part) for part in parts])
        self.network.eval()
        of_heads = []
        for number, part in enumerate(self._head_batches("heads", span.epoch, cycle.heads)):
            set_learning_rate(optimizer, cycle.first + number, steps)
            of_heads.append(head_step(self.network, run, part))
        current = evaluate(self.network, self.views, precision=run.precision)
        found = calibrate(current.probability, current.uncertainty, self.confident)
        self.network.train()
        rest, rate = [], 0.0
        calls = max(1, sum(each.adversarial for each in all_cycles))
        every = paired_batches(*(self.data, self.views, self.config, span.epoch, cycle.adversarial))
        for number, batch in enumerate(every):
            # Released: twice as many steps as of the heads, by the same formula.
            done = cycle.first + cycle.heads + number
            rate = set_learning_rate(optimizer, 2 * done, steps)
            coefficient = reversal(_ADVERSARIAL * (cycle.calls + number) / calls)
            given = Batch(*batch, number)
            rest.append(adversarial_step(self.network, run, given, found, coefficient, self.weight))
        last = _mean(rest) if rest else first.new_zeros(2)
        means = torch.stack([first, _mean(of_heads) if of_heads else first * 0, *last])
        losses = torch.cat([means, means.sum().unsqueeze(0)])
        return Trained([losses], rate, cycle.adversarial * self.config.batch_size)

    def _head_batches(
        self, phase: str, epoch: int, steps: int
    ) -> Iterator[list[tuple[Tensor, Tensor]]]:
        """For every step five batches of source images and labels."""
        if not steps:
            return
        seed, labels, size = self.config.seed, self.data.labels, self.config.batch_size
        torch.manual_seed(derive(seed, f"cmu {phase}", epoch))
        # A stream for each head: they are loaded side by side.
        streams = []
        for head in range(HEADS):
            draw = np.random.default_rng(derive(seed, f"cmu {phase} {head}", epoch))
            plan = balanced_rows(labels, size, steps, draw)
            streams.append(self.data.views.batches_of(plan, draw))
        for parts in track(zip(*streams, strict=True), "training heads", steps):
            yield [(images, self.labels[rows]) for rows, images in parts]

    def state(self) -> dict[str, Any]:
        """Nothing beside the weights."""
        return {}

    def resume(self, state: Mapping[str, Any]) -> None:
        """Nothing to do."""


def _mean(losses: list[Tensor]) -> Tensor:
    return torch.stack(losses).mean(dim=0)
