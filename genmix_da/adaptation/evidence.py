"""What a run leaves for its report beside the scores: the numbers behind the figures.

`evidence/before.npz` and `evidence/after.npz` hold one evaluation of the target (the source model,
the last epoch), `evidence/boundary_first.npz` and `evidence/boundary_last.npz` LEAD's decision
boundaries (LEAD, CVPR 2024, Sec. 3.3) in the first and the last epoch, `evidence/graph.npz` what
the graph step made of the last epoch. No pictures: those are read from the data again.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genmix_da.adaptation.task import Task
from lead.epochs import TargetEpoch
from lead.evaluation import Evaluation
from lead.files import write_atomically
from lead.graph import Smoothed, TargetGraph
from lead.pseudo_labels import PseudoLabels
from lead.rejection import Rejection
from lead.seeds import derive

FOLDER = "evidence"
EVALUATIONS = ("before", "after")
BOUNDARIES = ("boundary_first", "boundary_last")
GRAPH = "graph"
NAMES = (*EVALUATIONS, *BOUNDARIES, GRAPH)
MAPPED = 1500  # images whose features are kept, for a two-dimensional map
NO_LABEL = -1
_DAMAGE = (zipfile.BadZipFile, zlib.error, NotImplementedError)
_NUMBERS = {"neighbours": "neighbours that are no images"}  # the others number classes
# The array that says how many images a file is of.
_COUNTED = {name: "unknown_norm" if name in BOUNDARIES else "uncertainty" for name in NAMES}

Arrays = dict[str, NDArray[Any]]


def evaluation_arrays(task: Task, evaluation: Evaluation) -> Arrays:
    """One evaluation of N target images.

    Returns:
        uncertainty [N] (what is rejected by), prediction [N] (arg-max class), label [N] (C for
        unknown, -1 without labels), mapped [M] (image numbers, M <= 1500) and features [M, D]
        (their unit features, float16).
    """
    count = len(evaluation.probability)
    draw = np.random.default_rng(derive(0, "evidence", count))
    mapped = np.sort(draw.permutation(count)[:MAPPED])
    labels = task.target.labels
    return {
        "uncertainty": evaluation.uncertainty.cpu().numpy(),
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
    if not isinstance(epoch.pseudo_labels, PseudoLabels):  # boundaries are LEAD's alone
        return
    for name, number in (("boundary_first", 1), ("boundary_last", last)):
        if epoch.epoch == number:
            _write(run, name, boundary_arrays(epoch.pseudo_labels, epoch.epoch))


def keep_graph_evidence(
    run: Path, task: Task, graph: TargetGraph, smoothed: Smoothed, rejection: Rejection
) -> None:
    """Write what the graph made of the last epoch: `evidence/graph.npz`.

    Of N images and K neighbours: uncertainty [N] (smoothed, that which the threshold is on),
    prediction [N], label [N] (as in `evaluation_arrays`), degree [N], neighbours [N, K] (image
    numbers, the heaviest edge first, -1 for none) and weights [N, K].
    """
    count, width = len(graph.node), graph.config.neighbours
    neighbours = np.full((count, width), -1, dtype=np.int32)
    weights = np.zeros((count, width), dtype=np.float32)
    for row in range(count):
        found, weight = graph.neighbours_of(row)
        used = min(width, len(found))
        neighbours[row, :used], weights[row, :used] = found[:used], weight[:used]
    labels = task.target.labels
    arrays = {
        "uncertainty": smoothed.uncertainty.numpy(),
        "prediction": smoothed.probability.argmax(dim=1).numpy().astype(np.int32),
        "label": np.full(count, NO_LABEL) if labels is None else labels,
        "degree": graph.degree.astype(np.float32),
        "neighbours": neighbours,
        "weights": weights,
    }
    arrays["label"] = arrays["label"].astype(np.int32)
    _write(run, "graph", arrays)


def read_evidence(run: Path, class_count: int) -> tuple[dict[str, Arrays], dict[str, str]]:
    """What a run has left.

    Args:
        run: run folder.
        class_count: C, outputs of its classifier.

    Returns:
        (name -> arrays, name -> why they cannot be used); files that are not there are in neither.
    """
    found: dict[str, Arrays] = {}
    refused: dict[str, str] = {}
    for name in NAMES:
        path = run / FOLDER / f"{name}.npz"
        try:
            with np.load(path, allow_pickle=False) as content:
                arrays = dict(content)
        except FileNotFoundError:
            continue
        # A damaged archive fails in as many ways as its parts have readers.
        except (OSError, ValueError, EOFError, TypeError, KeyError, *_DAMAGE) as error:
            refused[name] = f"cannot be read ({type(error).__name__})"
            continue
        problem = _problem(arrays, name, class_count)
        if problem is None:
            found[name] = arrays
        else:
            refused[name] = problem
    if len({len(arrays[_COUNTED[name]]) for name, arrays in found.items()}) > 1:
        return {}, dict.fromkeys(found, "is of another number of images than the others")
    return found, refused


def _problem(arrays: Mapping[str, NDArray[Any]], name: str, class_count: int) -> str | None:
    """Why arrays are not what the name says, or None."""
    counted = arrays.get(_COUNTED[name])
    if counted is None or counted.ndim != 1 or len(counted) == 0:
        return f"holds no {_COUNTED[name]}"
    count = len(counted)
    shapes, limits = _form(arrays, name, count, class_count)
    for key, shape in shapes.items():
        array = arrays.get(key)
        if array is None or array.shape != shape or array.dtype.kind not in "fiub":
            return f"has no {key} of shape {list(shape)}"
        if not np.isfinite(array).all():
            return f"has a {key} that is not finite"
    for key, limit in limits.items():
        values = arrays[key]
        whole = values.dtype.kind in "iu"
        if not whole or values.max(initial=NO_LABEL) >= limit or values.min(initial=0) < NO_LABEL:
            return f"has {_NUMBERS.get(key) or f'a {key} that is no class'}"
    if name == GRAPH:
        negative = any((arrays[key] < 0).any() for key in ("degree", "weights"))
        return "has weights or degrees below 0" if negative else None
    return None if name in BOUNDARIES else _mapped_problem(arrays, count)


def _form(
    arrays: Mapping[str, NDArray[Any]], name: str, count: int, class_count: int
) -> tuple[dict[str, tuple[int, ...]], dict[str, int]]:
    """(key -> shape, key -> number that its values are below) of the arrays of a name.

    Values of the latter are whole and from -1 (none) on.
    """
    if name in BOUNDARIES:
        each = ("unknown_norm", "own_threshold", "is_unknown", "nearest_class")
        shapes: dict[str, tuple[int, ...]] = dict.fromkeys(each, (count,))
        shapes |= {"class_prior": (class_count,), "mixture_means": (2,), "epoch": ()}
        return shapes, {"nearest_class": class_count}
    shapes = dict.fromkeys(("uncertainty", "prediction", "label"), (count,))
    limits = {"prediction": class_count, "label": class_count + 1}
    if name == GRAPH:
        # As many neighbours as the file has: their number is a setting.
        width = arrays["neighbours"].shape[-1:] if "neighbours" in arrays else (1,)
        edges = (count, *width)
        shapes |= {"degree": (count,), "neighbours": edges, "weights": edges}
        limits["neighbours"] = count
    return shapes, limits


def _mapped_problem(arrays: Mapping[str, NDArray[Any]], count: int) -> str | None:
    rows, features = arrays.get("mapped"), arrays.get("features")
    if rows is None or features is None or rows.ndim != 1 or features.ndim != 2:
        return "has no features"
    inside = rows.dtype.kind in "iu" and (len(rows) == 0 or 0 <= rows.min() <= rows.max() < count)
    if not inside or len(rows) != len(features) or features.dtype.kind != "f":
        return "has features that belong to no images"
    return None if np.isfinite(features).all() else "has features that are not finite"


def _write(run: Path, name: str, arrays: Mapping[str, NDArray[Any]]) -> None:
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)  # type: ignore[arg-type]
    path = run / FOLDER / f"{name}.npz"
    path.parent.mkdir(exist_ok=True)
    write_atomically(path, lambda file: file.write_bytes(content.getvalue()))
