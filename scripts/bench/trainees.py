"""Trainings that go on an epoch at a time, so that several can take turns."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from genmix_da.classify.augmentations import (
    AUGMENTATIONS,
    find_augmentation,
    required_options,
)
from genmix_da.classify.method import resolve_method, training_images
from genmix_da.classify.network import build_network
from genmix_da.classify.schedule import Length
from genmix_da.classify.task import ClassifyTask
from genmix_da.classify.training import TrainedEpoch, train_epochs


def as_they_are() -> list[str]:
    """The augmentations that need no file."""
    return [name for name in AUGMENTATIONS if not required_options(find_augmentation(name))]


@dataclass(frozen=True)
class Cost:
    """Seconds of an epoch.

    Attributes:
        wall: what a user waits; views are made beside training where a core is free.
        work: of all cores of this process; other processes hardly change it.
    """

    wall: float
    work: float


@dataclass(frozen=True)
class Trainee:
    """One method's endless training."""

    name: str
    epochs: Iterator[TrainedEpoch]

    def cost(self) -> Cost:
        """Of the next epoch."""
        before = time.process_time()
        wall = next(self.epochs).seconds
        return Cost(wall, time.process_time() - before)


def trainee(task: ClassifyTask, steps: int, made: Path | None = None) -> Trainee:
    """Make the training set and the network of a task's method.

    Args:
        task: of the method.
        steps: of an epoch.
        made: folder of the images that GenMix and DiffuseMix write offline.
    """
    method = resolve_method(task)
    data = training_images(task, method, made or Path(task.config.data))
    network = build_network(task, task.config.weights)
    length = Length(steps * 10_000, steps, 0, 10_000)
    epochs = train_epochs(task, network, data, method.augmentation, length)
    return Trainee(task.config.augment, epochs)
