"""The source images that a source model is trained on: as they are, or with GenMix beside them.

Offline: augmented images are written once and trained on with the originals. Online: edits are made
once, and mask and fractal are drawn anew for every view.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from genmix_da.adaptation.config import identity
from genmix_da.adaptation.task import Images
from genmix_da.augment.cache import edit_cache
from genmix_da.augment.compose import Draws, compose, fractal_source
from genmix_da.augment.editors import Editor, make_editor
from genmix_da.augment.edits import ask_first
from genmix_da.augment.encoders import resolve_encoder
from genmix_da.augment.features import BackboneEncoder, Encoder, dinov2_is_here
from genmix_da.augment.pipeline import augment_domain, output_path, record_of
from genmix_da.augment.prompts import load_prompts
from genmix_da.augment.selection import Selection, select_edits
from genmix_da.augment.settings import AugmentSettings
from genmix_da.augment.sheets import write_report
from genmix_da.data.decode import decode_domain
from genmix_da.data.domains import Domain
from genmix_da.errors import UserError
from genmix_da.frozen.encoder import FrozenEncoder
from lead.views import ImageViews, Preprocessing, Views

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
    originals = used_domain(source)
    steps = len(labels) // int(task.config.batch_size or 1)
    limit = steps if augmentation.budget == "steps" else None
    if augmentation.mode == "offline":
        return _offline(task, augmentation, originals, folder, limit)
    return _online(task, augmentation, originals, limit)


def used_domain(images: Images) -> Domain:
    """The part of a domain that a task uses, as a domain of its own."""
    return images.decoded.domain.part(images.rows)


def _offline(
    task: SourceTask,
    augmentation: Augmentation,
    originals: Domain,
    folder: Path,
    limit: int | None,
) -> TrainingSet:
    """Write augmented images (once) and decode them with the originals."""
    made_of = augmentation.as_dict() | {"data": task.source.decoded.fingerprint}
    made_of |= {"classes": list(originals.classes)}
    out = folder / f"{task.source_name.replace(' ', '_')}-{identity(made_of)}"
    done = augment_domain(
        originals, out, augmentation.settings, encoder=augmentation.encoder, resume=True
    )
    write_report(done.selection, out, augmentation.settings)
    selection = done.selection
    kept = [edit for edit in selection.edits if edit.status == "kept"]
    _say(selection)
    names = selection.domain.labels or ()
    both = Domain(
        f"{originals.name} with GenMix",
        originals.folder,
        originals.images + tuple(out / output_path(selection, edit) for edit in kept),
        (originals.labels or ()) + tuple(names[edit.job.index] for edit in kept),
        originals.classes,
    )
    pre = task.preprocessing
    decoded = decode_domain(both, pre.resize_size, pre.interpolation)
    labels = np.array(
        [task.source_label(name) for name in decoded.domain.labels or ()],
        dtype=np.int64,
    )
    views = task.views(decoded.pixels, np.arange(len(labels)), both.name)
    return TrainingSet(views, labels, limit, _record(selection, str(out), done.seconds))


def _online(
    task: SourceTask, augmentation: Augmentation, originals: Domain, limit: int | None
) -> TrainingSet:
    """Make the edits (once) and compose every augmented view anew."""
    s, editor = augmentation.settings, augmentation.editor
    prompts, cache = load_prompts(s.prompts), edit_cache()
    ask_first(originals, prompts, editor, cache, s)
    started = time.perf_counter()
    selection = select_edits(originals, prompts, editor, augmentation.encoder, cache, s)
    seconds = {"edit": time.perf_counter() - started}
    _say(selection)
    kept = [edit for edit in selection.edits if edit.status == "kept"]
    if not kept:
        raise UserError("no edit was kept; use another editor, other prompts or --features off.")
    names = selection.domain.labels or ()
    edits = Domain(
        f"{originals.name} edits",
        edit_cache().folder,
        tuple(edit_cache().path(edit.job.key) for edit in kept),
        tuple(names[edit.job.index] for edit in kept),
        originals.classes,
    )
    pre = task.preprocessing
    decoded = decode_domain(edits, pre.resize_size, pre.interpolation)
    if decoded.skipped:  # owners and labels below go by position
        raise UserError(f"the edit {decoded.skipped[0][0]} is damaged; remove it and try again.")
    rows = task.source.rows
    row_of = {path: row for row, path in zip(rows, originals.images, strict=True)}
    owners = np.array([row_of[selection.domain.images[edit.job.index]] for edit in kept])
    views = OnlineViews(task, rows, decoded.pixels, owners, s)
    labels = task.source.labels
    assert labels is not None
    edit_labels = [task.source_label(name) for name in edits.labels or ()]
    both = np.concatenate([labels, np.array(edit_labels, dtype=np.int64)])
    return TrainingSet(views, both, limit, _record(selection, None, seconds))


class OnlineViews(ImageViews):
    """Originals, then one row for each kept edit, whose mask and fractal are drawn for every view.

    Args:
        task: decoded originals, preprocessing and device.
        rows: [n] originals in use.
        edits: [K, R, R, 3] decoded edits.
        owners: [K] the original's row of each edit.
        settings: masks, seam width, patches, lambda and fractals.
    """

    def __init__(
        self,
        task: SourceTask,
        rows: NDArray[np.int64],
        edits: NDArray[np.uint8],
        owners: NDArray[np.int64],
        settings: AugmentSettings,
    ) -> None:
        pixels = task.source.decoded.pixels
        all_rows = np.concatenate([rows, len(pixels) + np.arange(len(owners))])
        super().__init__(pixels, task.preprocessing, task.device, all_rows)
        self._edits = edits
        self._owners = owners
        self._settings = settings
        self._fractals = fractal_source(settings)

    def picture(self, row: int, draw: np.random.Generator) -> NDArray[np.uint8]:
        """An original, or a new composition of an edit with its original: [R, R, 3]."""
        edit = row - len(self.images)
        if edit < 0:
            return super().picture(row, draw)
        draws = Draws(int(draw.integers(2**31)), "online")
        original = self.images[self._owners[edit]]
        return compose(original, self._edits[edit], self._fractals, self._settings, draws).final


def _say(selection: Selection) -> None:
    logger.info(
        "GenMix[%s%s]: %d edits kept, %d dropped, %d failed",
        selection.editor,
        ", a stand-in for a generative editor" if selection.stand_in else "",
        *(selection.count(status) for status in ("kept", "dropped", "failed")),
    )


def _record(selection: Selection, folder: str | None, seconds: dict[str, float]) -> dict[str, Any]:
    return {
        "folder": folder,
        "stand_in": selection.stand_in,
        "features": selection.encoder,
        "threshold": selection.threshold,
        "made": selection.made,
        **{status: selection.count(status) for status in ("kept", "dropped", "failed")},
        "seconds": seconds,
    }
