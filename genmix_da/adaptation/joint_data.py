"""What a method with source data is given: its own network, the source images, how many steps."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path

import numpy as np

from genmix_da.adaptation.config import AdaptConfig
from genmix_da.adaptation.networks import build_joint_network
from genmix_da.adaptation.task import Task
from genmix_da.augment.source_task import Augmentation
from genmix_da.augment.training_set import training_set
from genmix_da.errors import UserError
from genmix_da.frozen.class_texts import class_texts
from genmix_da.methods import find_method
from genmix_da.methods.base import JointData
from lead.feature_views import FeatureViews


def joint_data(
    task: Task, augmentation: Augmentation | None, sources: Path, *, resumed: bool
) -> JointData:
    """The data of the task's method, which must be one with source data.

    Args:
        task: source images and settings.
        augmentation: of the source, or None.
        sources: see `obtain_source`.
        resumed: whether the network's weights are read from a training state next.
    """
    config = task.config
    weights = "none" if resumed else str(config.weights)
    network = build_joint_network(task, weights)
    joint = find_method(config.method_name()).joint
    assert joint is not None
    texts, names = None, task.label_sets.source_classes
    if joint.texts:
        assert task.encoder is not None
        texts = partial(class_texts, task.encoder.choice.folder, names)
    if not joint.source:
        none = FeatureViews(np.zeros((0, 1, 1), dtype=np.float32), task.device)
        empty = np.zeros(0, dtype=np.int64)
        return JointData(network, none, empty, 1, config.method_options, names, texts)
    data = training_set(task, augmentation, sources.parent / "augmented")
    steps = total_steps(task, len(data.labels), data.steps_per_epoch)
    return JointData(network, data.views, data.labels, steps, config.method_options, names, texts)


def check_budget(task: Task) -> None:
    """Batches and steps of a method with source data are to be had.

    Raises:
        UserError: a batch is larger than the target, or there are fewer steps than epochs.
    """
    options, images = task.config.method_options, len(task.target.rows)
    batch, steps = options.get("batch_size"), options.get("steps")
    if batch and batch > images:
        raise UserError(
            f"{task.config.tgt} has {images} images of the classes in use, fewer than a batch of "
            f"{batch}; use --method-arg batch_size={images} or less."
        )
    if steps and steps < int(task.config.epochs or 0):
        raise UserError(
            f"--method-arg steps is {steps}, fewer than the {task.config.epochs} epochs; give more "
            "steps, or fewer --epochs."
        )


def shares_budget(config: AdaptConfig) -> bool:
    """Whether the run's method has source data, and as many steps as the budget of all allows."""
    joint = find_method(config.method_name()).joint
    return joint is not None and joint.source and not config.method_options.get("steps")


def total_steps(task: Task, images: int, steps_per_epoch: int | None = None) -> int:
    """Optimiser steps of the task's method: its own, else one budget for all methods.

    That is as many training images as source training and adaptation of a source-free method pass
    through the network. A step here has a batch of source and one of target images: half as many
    steps of batches of the same size.

    Args:
        task: settings and target.
        images: of the source, with augmented ones.
        steps_per_epoch: limit of a source epoch, see `TrainingSet`.
    """
    config = task.config
    if given := config.method_options.get("steps"):
        return int(given)
    batch = int(config.batch_size or 1)
    source = int(config.source_epochs or 0) * (steps_per_epoch or images // batch)
    target = int(config.epochs or 0) * (len(task.target.rows) // batch)
    own = int(config.method_options.get("batch_size") or batch)
    return max(1, math.ceil((source + target) * batch / (2 * own)))
