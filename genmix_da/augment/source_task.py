"""What training on source images has in common, made once or anew for every view.

An adaptation or a classification as augmentation sees it, how its images are augmented with every
"auto" resolved, and what comes out.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from genmix_da.augment.editors import Editor, make_editor
from genmix_da.augment.encoders import resolve_encoder
from genmix_da.augment.features import BackboneEncoder, Encoder, dinov2_is_here
from genmix_da.augment.pipeline import record_of
from genmix_da.augment.prompts import load_prompts
from genmix_da.augment.selection import Selection
from genmix_da.augment.settings import AugmentSettings
from genmix_da.data.images import Images
from genmix_da.frozen.encoder import FrozenEncoder
from lead.views import Preprocessing, Views

logger = logging.getLogger(__name__)


class TaskSettings(Protocol):
    """The settings that say how source images are made and compared; see AdaptConfig."""

    @property
    def augment_mode(self) -> str: ...
    @property
    def budget(self) -> str: ...
    @property
    def backbone(self) -> str | None: ...
    @property
    def backbone_arguments(self) -> Mapping[str, Any]: ...
    @property
    def weights(self) -> str | None: ...
    @property
    def image_size(self) -> int | None: ...
    @property
    def batch_size(self) -> int | None: ...
    @property
    def device(self) -> str: ...
    def genmix_settings(self) -> AugmentSettings: ...


class SourceTask(Protocol):
    """What is trained on source images: an adaptation or a classification."""

    @property
    def config(self) -> TaskSettings: ...
    @property
    def augments(self) -> bool:
        """Whether images are made at all."""
        ...

    @property
    def source(self) -> Images: ...
    @property
    def source_name(self) -> str: ...
    @property
    def preprocessing(self) -> Preprocessing: ...
    @property
    def device(self) -> torch.device: ...
    @property
    def target_contents(self) -> frozenset[str]:
        """First digits of the SHA-256 of the target's images; none where there is no target."""
        ...

    @property
    def encoder(self) -> FrozenEncoder | None:
        """Of a frozen backbone, whose features are computed once."""
        ...

    def source_label(self, name: str) -> int | None:
        """Classifier output of a class; None where it is not used."""
        ...

    def views(self, pixels: NDArray[np.uint8], rows: NDArray[np.int64], name: str) -> Views:
        """Views of decoded images; see `Task.views`."""
        ...


@dataclass(frozen=True)
class TrainingSet:
    """What source training sees.

    Attributes:
        views: originals, then augmented images.
        labels: [N] classifier outputs.
        steps_per_epoch: limit that keeps the number of optimiser steps as without augmentation.
        record: counts for result.json; None without augmentation.
    """

    views: Views
    labels: NDArray[np.int64]
    steps_per_epoch: int | None
    record: dict[str, Any] | None


@dataclass(frozen=True)
class Augmentation:
    """How a task's source is augmented.

    Attributes:
        settings: of GenMix.
        editor, encoder: resolved.
        mode: "offline" or "online".
        budget: "steps" (as many optimiser steps as without) or "epochs" (as many epochs).
    """

    settings: AugmentSettings
    editor: Editor
    encoder: Encoder | None
    mode: str
    budget: str

    def as_dict(self) -> dict[str, Any]:
        """Everything that decides the training set beside the source images: resolved values."""
        return self._record | {"mode": self.mode, "budget": self.budget}

    @cached_property
    def _record(self) -> dict[str, Any]:
        # Once: a table asks for every run, and prompts are read from a file.
        return record_of(self.settings, self.editor, self.encoder)


def augmentation_of(task: SourceTask) -> Augmentation | None:
    """The task's augmentation with every "auto" resolved; None where it has none."""
    config = task.config
    if not task.augments:
        return None
    settings = config.genmix_settings()
    pictures = load_prompts(settings.prompts).pictures
    if not pictures.isdisjoint(task.target_contents):
        logger.warning(
            "style pictures are images of the target: the method is named target-styled, for its "
            "source stage sees (unlabelled) target images"
        )
        options = settings.editor_options | {"target_styled": True}
        settings = dataclasses.replace(settings, editor_options=options)
    encoder = _encoder(task, settings.features)
    editor = make_editor(settings.editor, settings.options(), device=config.device)
    return Augmentation(settings, editor, encoder, config.augment_mode, config.budget)


def _encoder(task: SourceTask, features: str) -> Encoder | None:
    """What compares edits with originals; see `resolve_encoder`."""
    config, frozen = task.config, task.encoder
    own = features == "backbone" or (features == "auto" and not dinov2_is_here())
    if own and frozen is not None and frozen.choice.library == "transformers":
        logger.info("faithful selection: the frozen backbone %s", frozen.choice.name)
        return BackboneEncoder(
            f"backbone {frozen.choice.name}",
            frozen.identity,
            lambda: frozen.module,
            frozen.preprocessing,
            task.device,
        )
    return resolve_encoder(
        features,
        backbone=config.backbone,
        weights=config.weights,
        arguments=config.backbone_arguments,
        image_size=config.image_size,
        device=task.device.type,
    )


def made_record(
    selection: Selection, folder: str | None, seconds: dict[str, float]
) -> dict[str, Any]:
    """Log what became of the edits; returns the counts that a result keeps."""
    _say(selection)
    return {
        "folder": folder,
        "stand_in": selection.stand_in,
        "features": selection.encoder,
        "threshold": selection.threshold,
        "made": selection.made,
        **{status: selection.count(status) for status in ("kept", "dropped", "failed")},
        "seconds": seconds,
    }


def _say(selection: Selection) -> None:
    logger.info(
        "GenMix[%s%s]: %d edits kept, %d dropped, %d failed",
        selection.editor,
        ", a stand-in for a generative editor" if selection.stand_in else "",
        *(selection.count(status) for status in ("kept", "dropped", "failed")),
    )
