"""Classify a folder of images with a finished checkpoint."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from genmix_da.adaptation.config import check_threshold
from genmix_da.adaptation.predictions import prediction_table
from genmix_da.errors import UserError
from genmix_da.places import cache_folder, replaceable
from genmix_da.runs.folder import write_csv
from genmix_da.use.inputs import images_at
from genmix_da.use.loading import load_model
from genmix_da.use.predictions import UNKNOWN
from lead.evaluation import evaluate
from lead.files import write_atomically
from lead.large import files_in

logger = logging.getLogger(__name__)


def predict(
    checkpoint: str | Path,
    folder: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    threshold: float | str | None = None,
    calibrate: bool = False,
    graph: bool = True,
    device: str = "auto",
    weights: str | None = None,
    strict: bool = False,
    probabilities: str | Path | None = None,
) -> dict[str, Any]:
    """Classify every image below a folder; rejected ones are "unknown".

    With a run that has a graph, every image is judged twice: by the network alone, and beside the
    target images that the graph was made of (columns graph_...).

    Args:
        checkpoint: run folder or .safetensors file.
        folder: images, at any depth; or an image, a list or table of images, "datasets:NAME", or
            paths of images.
        out: CSV with path, predicted class, confidence, uncertainty.
        threshold: on the uncertainty, a number or a rule; None: the checkpoint's own, by which
            classifiers and models of a closed set (see `Model.threshold`) reject nothing.
        calibrate: take the images of the folder together: a graph of their own, and thresholds
            by the checkpoint's rules from these images. Else each image is judged for itself,
            but by networks that judge all images of a folder together.
        graph: False: the network alone.
        device: "auto", "cpu" or "cuda".
        weights: of a frozen backbone, where they have moved.
        probabilities: .npz to write: `paths` [N], `classes` [C], `probability` [N, C] of the
            network alone, and with a graph `graph_probability`.
        strict: more than 5 % unreadable images are an error; else they are named and left out.

    Returns:
        images, unknown (number rejected), threshold (None where nothing is), skipped, out; graph:
        None, or its own unknown and threshold.

    Raises:
        UserError, WeightsError: bad input, in one sentence; nothing is written then.
    """
    check_threshold("--threshold", threshold)
    out = replaceable(out, "--out")
    if probabilities is not None:
        probabilities = replaceable(probabilities, "--probabilities")
    if probabilities is not None and probabilities.resolve() == out.resolve():
        raise UserError(f"--out and --probabilities are both {out}; name two files.")
    model = load_model(checkpoint, device, weights, graph=graph)
    domain = images_at(folder)
    if graph and model.memory is None and not model.is_classifier:
        logger.info("%s has no graph: the network judges alone", checkpoint)
    scratch = cache_folder()
    scratch.mkdir(parents=True, exist_ok=True)
    with files_in(scratch):
        decoded, views = model.run(domain, strict=strict)
        if model.network.judges_sets:
            logger.warning(
                "%s judges all images of a folder together: what it says of one hangs on the other "
                "%d, which should be as mixed as the target was",
                model.description["head"],
                len(views) - 1,
            )
        names = (*model.classes, UNKNOWN)
        evaluation = evaluate(model.network, views)
        rule = model.description.get("threshold_rule")
        if calibrate and not (graph and model.memory) and not isinstance(rule, str):
            logger.warning(
                "--calibrate changes nothing: %s has a number as threshold, and no graph is used",
                checkpoint,
            )
        own, _ = model.own_decisions(evaluation, threshold, calibrate=calibrate)
        smoothed = (
            model.graph_decisions(views, evaluation, threshold, calibrate=calibrate)
            if graph
            else None
        )
        header, table = prediction_table(names, own, smoothed[0] if smoothed else None)
        counts = Counter[str]()
        out.parent.mkdir(parents=True, exist_ok=True)
        write_csv(out, ("path", *header), _counted(decoded.domain.images, table, counts))
        if probabilities is not None:
            arrays = {"paths": np.array([str(p) for p in decoded.domain.images])}
            arrays |= {
                "classes": np.array(names[:-1]),
                "probability": own.probability.cpu().numpy(),
            }
            if smoothed is not None:
                arrays["graph_probability"] = smoothed[0].probability.cpu().numpy()
            probabilities.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(probabilities, lambda file: _save(file, arrays))
    return {
        "images": len(decoded.domain.images),
        "unknown": counts["own"],
        "threshold": own.limit,
        "graph": None
        if smoothed is None
        else {
            "unknown": counts["graph"],
            "threshold": smoothed[0].limit,
        },
        "skipped": len(decoded.skipped),
        "out": str(out),
    }


def _counted(
    images: Sequence[Path], rows: Iterable[tuple[str, ...]], counts: Counter[str]
) -> Iterator[tuple[str, ...]]:
    """Lines of the CSV; counts the unknown images as they pass."""
    for image, row in zip(images, rows, strict=True):
        counts["own"] += row[0] == UNKNOWN
        counts["graph"] += row[3] == UNKNOWN
        yield (str(image), *row)


def _save(file: Path, arrays: dict[str, np.ndarray]) -> None:
    with file.open("wb") as handle:  # given a name, numpy puts .npz behind it
        np.savez_compressed(handle, allow_pickle=False, **arrays)
