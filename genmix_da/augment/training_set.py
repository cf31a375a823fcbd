"""The source images that a source model is trained on: as they are, or with GenMix beside them.

Offline: augmented images are written once and trained on with the originals. Online: edits are made
once, and mask and fractal are drawn anew for every view.
"""

from __future__ import annotations

from pathlib import Path

from genmix_da.augment.source_task import Augmentation, SourceTask, TrainingSet
from genmix_da.augment.training_offline import offline
from genmix_da.augment.training_online import online


def training_set(task: SourceTask, augmentation: Augmentation | None, folder: Path) -> TrainingSet:
    """The images and labels of source training.

    Args:
        task: source images.
        augmentation: from `augmentation_of`.
        folder: augmented images of all tasks lie below it, offline.
    """
    source = task.source
    labels = source.labels
    assert labels is not None  # label sets refuse a source without classes
    if augmentation is None:
        views = task.views(source.decoded.pixels, source.rows, task.source_name)
        return TrainingSet(views, labels, None, None)
    steps = len(labels) // int(task.config.batch_size or 1)
    limit = steps if augmentation.budget == "steps" else None
    if augmentation.mode == "offline":
        return offline(task, augmentation, folder, limit)
    return online(task, augmentation, limit)
