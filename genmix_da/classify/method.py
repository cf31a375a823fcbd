"""A method, resolved for a task: what it does to views and batches, and which images it makes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genmix_da.augment.source_task import Augmentation as SourceAugmentation
from genmix_da.augment.source_task import TrainingSet, augmentation_of
from genmix_da.augment.training_set import training_set
from genmix_da.classify.augmentations import Augmentation, Setup, make_augmentation
from genmix_da.classify.config import ClassifyConfig
from genmix_da.classify.task import ClassifyTask, labels_of
from genmix_da.data.shown_views import ShownViews


@dataclass(frozen=True)
class Method:
    """What a run trains with.

    Attributes:
        name: as results and tables print it, e.g. "mixup" or "genmix[filters]".
        augmentation: of views, batches and hidden layers; does nothing for GenMix.
        source: how images are made; None where none are.
        key: the method as users type it.
    """

    name: str
    augmentation: Augmentation
    source: SourceAugmentation | None
    key: str

    def as_dict(self) -> dict[str, Any] | None:
        """Resolved settings, for records; None for the method that does nothing."""
        if self.source is not None:
            return {"name": self.key, **self.source.as_dict()}
        if self.key == "none":
            return None
        return {"name": self.key, **self.augmentation.settings}


def resolve_method(task: ClassifyTask) -> Method:
    """The method of a task's configuration with every "auto" resolved.

    Raises:
        UserError: an option that does not fit, an editor or encoder that cannot be had.
    """
    config = task.config
    pre = task.preprocessing
    setup = Setup(pre.image_size, len(task.classes), pre)
    augmentation = make_augmentation(config.augment, setup, config.augment_options)
    source = augmentation_of(task)
    name = display_name(config, source.editor.name if source else None)
    return Method(name, augmentation, source, config.augment)


def display_name(config: ClassifyConfig, editor: str | None) -> str:
    """A method's name as results and tables print it: what ran.

    Args:
        config: of the run.
        editor: that edited the training images; None where none were made.
    """
    name = f"{config.augment}[{editor}]" if editor else config.augment
    return f"{name} (adversarial)" if config.adversarial != "none" else name


class AugmentedViews(ShownViews):
    """Training views that an augmentation has changed after crop and flip.

    Args:
        images, preprocessing, device, rows: see ShownViews.
        augmentation: whose `picture` is applied.
    """

    def __init__(self, *images: Any, augmentation: Augmentation) -> None:
        super().__init__(*images)
        self._augmentation = augmentation

    def finish(self, view: NDArray[np.uint8], draw: np.random.Generator) -> NDArray[np.uint8]:
        """See the class: [S, S, 3] to the same."""
        return self._augmentation.picture(np.ascontiguousarray(view), draw)


def training_images(task: ClassifyTask, method: Method, folder: Path) -> TrainingSet:
    """The images and labels of training; GenMix's are made now where they are not there.

    Args:
        task: the originals.
        method: from `resolve_method`.
        folder: made images of all runs lie below it, offline.
    """
    changes_pictures = type(method.augmentation).picture is not Augmentation.picture
    if method.source is not None or not changes_pictures:
        return training_set(task, method.source, folder)
    images = task.train
    views = AugmentedViews(
        images.decoded.pixels,
        task.preprocessing,
        task.device,
        images.rows,
        augmentation=method.augmentation,
    )
    return TrainingSet(views, labels_of(images), None, None)
