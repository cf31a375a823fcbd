"""How a task's source images are augmented, with every "auto" resolved."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from genmix_da.augment.editors import Editor, make_editor
from genmix_da.augment.encoders import resolve_encoder
from genmix_da.augment.features import BackboneEncoder, Encoder, dinov2_is_here
from genmix_da.augment.pipeline import record_of
from genmix_da.augment.settings import AugmentSettings
from genmix_da.augment.source_task import SourceTask

logger = logging.getLogger(__name__)


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
            frozen.module,
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
