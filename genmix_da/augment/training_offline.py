"""GenMix offline: augmented images are written once and trained on with the originals."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from genmix_da.augment.manifest import output_path
from genmix_da.augment.pipeline import augment_domain
from genmix_da.augment.sheets import write_report
from genmix_da.augment.source_task import Augmentation, SourceTask, TrainingSet, made_record
from genmix_da.config_values import identity
from genmix_da.data.decode import decode_domain
from genmix_da.data.domain import Domain


def offline(
    task: SourceTask, augmentation: Augmentation, folder: Path, limit: int | None
) -> TrainingSet:
    """Write augmented images (once) and decode them with the originals."""
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
    names = selection.domain.labels or ()
    both = Domain(
        f"{originals.name} with GenMix",
        originals.folder,
        (*originals.images, *(out / output_path(selection, edit) for edit in kept)),
        (originals.labels or ()) + tuple(names[edit.job.index] for edit in kept),
        originals.classes,
        grey=originals.grey,
    )
    pre = task.preprocessing
    decoded = decode_domain(both, pre.resize_size, pre.interpolation)
    labels = np.array([task.source_label(name) for name in decoded.domain.labels or ()], np.int64)
    views = task.views(decoded.pixels, np.arange(len(labels)), both.name)
    return TrainingSet(views, labels, limit, made_record(selection, str(out), done.seconds))
