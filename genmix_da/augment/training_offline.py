"""GenMix offline: augmented images are written once and trained on with the originals."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genmix_da.augment.manifest import output_path
from genmix_da.augment.pipeline import augment_domain
from genmix_da.augment.sheets import write_report
from genmix_da.augment.source_task import Augmentation, SourceTask, TrainingSet, made_record
from genmix_da.config_values import identity
from genmix_da.data.decode import decode_domain
from genmix_da.data.domain import Domain


@dataclass(frozen=True)
class MadeImages:
    """The images that were made beside a task's originals.

    Attributes:
        images: their files, in the order of the originals.
        made_of: row of each one's original among the task's images.
        record: counts for result.json.
    """

    images: tuple[Path, ...]
    made_of: tuple[int, ...]
    record: dict[str, Any]


def made_images(task: SourceTask, augmentation: Augmentation, folder: Path) -> MadeImages:
    """Write the augmented images of a task, where they are not there.

    Args:
        task: source images, with classes or without.
        augmentation: from `augmentation_of`.
        folder: augmented images of all tasks lie below it.
    """
    originals = task.source.domain
    made_of = augmentation.as_dict() | {"data": task.source.decoded.fingerprint}
    made_of |= {"classes": list(originals.classes)}
    out = folder / f"{task.source_name.replace(' ', '_')}-{identity(made_of)}"
    done = augment_domain(
        originals, out, augmentation.settings, encoder=augmentation.encoder, resume=True
    )
    write_report(done.selection, out, augmentation.settings)
    selection = done.selection
    kept = [edit for edit in selection.edits if edit.status == "kept"]
    # The selection has the images that it could read; of a decoded domain that is all of them.
    rows = {path: row for row, path in enumerate(originals.images)}
    return MadeImages(
        tuple(out / output_path(selection, edit) for edit in kept),
        tuple(rows[selection.domain.images[edit.job.index]] for edit in kept),
        made_record(selection, str(out), done.seconds),
    )


def offline(
    task: SourceTask, augmentation: Augmentation, folder: Path, limit: int | None
) -> TrainingSet:
    """Write augmented images (once) and decode them with the originals."""
    originals = task.source.domain
    made = made_images(task, augmentation, folder)
    names = originals.labels or ()
    both = Domain(
        f"{originals.name} with GenMix",
        originals.folder,
        (*originals.images, *made.images),
        names + tuple(names[row] for row in made.made_of),
        originals.classes,
        grey=originals.grey,
    )
    pre = task.preprocessing
    decoded = decode_domain(both, pre.resize_size, pre.interpolation)
    labels = np.array([task.source_label(name) for name in decoded.domain.labels or ()], np.int64)
    views = task.views(decoded.pixels, np.arange(len(labels)), both.name)
    return TrainingSet(views, labels, limit, made.record)
