"""What a run leaves for its report beside the scores: the numbers behind the figures.

`evidence/before.npz` and `evidence/after.npz` hold one evaluation of the target (the source model,
the last epoch), `evidence/boundary_first.npz` and `evidence/boundary_last.npz` LEAD's decision
boundaries (LEAD, CVPR 2024, Sec. 3.3) in the first and the last epoch. No pictures: those are read
from the data again.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genmix_da.task import Task
from lead.checkpoint import write_atomically
from lead.evaluation import Evaluation
from lead.pseudo_labels import PseudoLabels
from lead.scores import normalised_entropy
from lead.seeds import derive
from lead.target import TargetEpoch

FOLDER = "evidence"
NAMES = ("before", "after", "boundary_first", "boundary_last")
MAPPED = 1500  # images whose features are kept, for a two-dimensional map
NO_LABEL = -1

Arrays = dict[str, NDArray[Any]]


def evaluation_arrays(task: Task, evaluation: Evaluation) -> Arrays:
    """One evaluation of N target images.

    Returns:
        uncertainty [N] (normalised entropy), prediction [N] (arg-max class), label [N] (C for
        unknown, -1 without labels), mapped [M] (image numbers, M <= 1500) and features [M, D]
        (their unit features, float16).
    """
    count = len(evaluation.probability)
    draw = np.random.default_rng(derive(0, "evidence", count))
    mapped = np.sort(draw.permutation(count)[:MAPPED])
    labels = task.target.labels
    return {
        "uncertainty": normalised_entropy(evaluation.probability).cpu().numpy(),
        "prediction": evaluation.probability.argmax(dim=1).cpu().numpy().astype(np.int32),
        "label": np.full(count, NO_LABEL, dtype=np.int32)
        if labels is None
        else labels.astype(np.int32),
        "mapped": mapped,
        "features": evaluation.features.cpu().numpy()[mapped].astype(np.float16),
    }


def boundary_arrays(pseudo: PseudoLabels, epoch: int) -> Arrays:
    """LEAD's decision boundaries over N target images and C classes.

    Returns:
        unknown_norm, own_threshold, confidence_weight [N], is_unknown [N] (the pseudo-label),
        nearest_class [N], class_prior [C], mixture_means [2] (ascending), epoch [].
    """
    return {
        "unknown_norm": pseudo.unknown_norm.cpu().numpy(),
        "own_threshold": pseudo.own_threshold.cpu().numpy(),
        "confidence_weight": pseudo.confidence_weight.cpu().numpy(),
        "is_unknown": pseudo.is_unknown.cpu().numpy(),
        "nearest_class": pseudo.nearest_class.cpu().numpy().astype(np.int32),
        "class_prior": pseudo.class_prior.cpu().numpy(),
        "mixture_means": np.array(pseudo.mixture_means),
        "epoch": np.array(epoch),
    }


def keep_evidence(run: Path, task: Task, epoch: TargetEpoch, last: int) -> None:
    """Write what this epoch adds; call it before the epoch's training state is saved.

    Args:
        run: run folder.
        task: for the labels, which are kept beside the predictions and never trained on.
        epoch: just finished.
        last: number of the last epoch.
    """
    if epoch.epoch == 0:
        _write(run, "before", evaluation_arrays(task, epoch.evaluation))
    elif epoch.epoch == last:
        _write(run, "after", evaluation_arrays(task, epoch.evaluation))
    if epoch.pseudo_labels is None:
        return
    for name, number in (("boundary_first", 1), ("boundary_last", last)):
        if epoch.epoch == number:
            _write(run, name, boundary_arrays(epoch.pseudo_labels, epoch.epoch))


def read_evidence(run: Path) -> dict[str, Arrays]:
    """Name -> arrays of what a run has left; damaged or missing files are left out."""
    found: dict[str, Arrays] = {}
    for name in NAMES:
        try:
            with np.load(run / FOLDER / f"{name}.npz", allow_pickle=False) as content:
                found[name] = dict(content)
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
            continue
    return found


def _write(run: Path, name: str, arrays: Mapping[str, NDArray[Any]]) -> None:
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)  # type: ignore[arg-type]
    path = run / FOLDER / f"{name}.npz"
    path.parent.mkdir(exist_ok=True)
    write_atomically(path, lambda file: file.write_bytes(content.getvalue()))
