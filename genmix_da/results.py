"""From epochs to result.json: the three score columns, predictions, timing."""

from __future__ import annotations

import csv
import math
import resource
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from genmix_da.config import AdaptConfig
from genmix_da.results_seal import seal
from genmix_da.runs import SCHEMA
from genmix_da.task import Task
from lead.checkpoint import write_atomically
from lead.evaluation import Evaluation
from lead.private_classes import private_nmi
from lead.scores import (
    ScoreBlock,
    empty_block,
    headline,
    normalised_entropy,
    predict,
    score_block,
)

SELECTION_RULE = "mutual information, open-set aware"


def nmi_of(task: Task, evaluation: Evaluation) -> float | None:
    """NMI of the clusters of the target-private samples; None where it is not defined."""
    own = task.target.private_labels
    return None if own is None else private_nmi(evaluation.features, own)


def score(
    task: Task,
    evaluation: Evaluation,
    epoch: int,
    threshold: float,
    *,
    nmi: float | None = None,
) -> ScoreBlock:
    """Scores of one evaluation of the target; all None where the target has no labels.

    Args:
        task: labels and label sets.
        evaluation: of the target.
        epoch: recorded in the block.
        threshold: rejection threshold.
        nmi: from `nmi_of`, for the H3-score.
    """
    labels = task.target.labels
    if labels is None:
        return empty_block(epoch)
    return score_block(
        evaluation.probability,
        labels,
        task.label_sets.evaluation_classes,
        open_set=task.label_sets.open_set,
        threshold=threshold,
        epoch=epoch,
        nmi=nmi,
    )


def score_columns(metrics: Sequence[dict[str, Any]], open_set: bool) -> dict[str, Any]:
    """The columns `last`, `oracle` and `selected` from the rows of the target epochs.

    `last` is the last epoch; `oracle` the best by target labels (ties: the later epoch), None
    without labels; `selected` the best by a rule that uses no target label.

    Args:
        metrics: rows with "epoch" >= 1, "scores" and "selection".
        open_set: which score is the headline.
    """
    # A method without epochs has epoch 0 alone, the source model as it is.
    rows = [row for row in metrics if row["epoch"] > 0] or list(metrics)
    scored = [row for row in rows if headline(row["scores"], open_set) is not None]
    return {
        "last": rows[-1]["scores"],
        "oracle": max(reversed(scored), key=lambda row: headline(row["scores"], open_set) or 0.0)[
            "scores"
        ]
        if scored
        else None,
        "selected": max(reversed(rows), key=lambda row: row["selection"])["scores"],
    }


def peak_memory_mib(device: torch.device) -> dict[str, float]:
    """Peak resident memory of the process, and of the CUDA device where one is used; MiB."""
    # Linux counts in KiB, macOS in bytes.
    unit = 2**20 if sys.platform == "darwin" else 2**10
    found = {"process": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit}
    if device.type == "cuda":
        found["cuda"] = torch.cuda.max_memory_allocated(device) / 2**20
    return found


def write_predictions(path: Path, task: Task, evaluation: Evaluation, threshold: float) -> None:
    """One line per target image: path, true class, predicted class or "unknown", confidence,
    uncertainty (normalised entropy)."""
    names = (*task.label_sets.source_classes, "unknown")
    truth = task.target.labels
    rows = prediction_rows(evaluation.probability, names, threshold, task.label_sets.open_set)
    true_names = ["" if truth is None else names[truth[i]] for i in range(len(rows))]
    write_csv(
        path,
        ("path", "true", "predicted", "confidence", "uncertainty"),
        [
            (str(image), true, *row)
            for image, true, row in zip(task.target.paths, true_names, rows, strict=True)
        ],
    )


def prediction_rows(
    probability: torch.Tensor, names: Sequence[str], threshold: float, open_set: bool
) -> list[tuple[str, str, str]]:
    """(predicted class, confidence, uncertainty) of every sample; the last name is "unknown"."""
    uncertainty = normalised_entropy(probability).cpu().numpy()
    limit = threshold if open_set else math.inf
    prediction = predict(probability, limit)
    confidence = probability.max(dim=1).values.cpu().numpy()
    return [
        (names[label], f"{certain:.6f}", f"{unsure:.6f}")
        for label, certain, unsure in zip(prediction, confidence, uncertainty, strict=True)
    ]


def write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write a CSV file atomically."""

    def write(file: Path) -> None:
        # File names need not be UTF-8; they are written as the bytes they are.
        with file.open("w", newline="", encoding="utf-8", errors="surrogateescape") as handle:
            writer = csv.writer(handle)
            writer.writerow(header)
            writer.writerows(rows)

    write_atomically(path, write)


def result_record(
    task: Task,
    *,
    status: str,
    identity: str,
    provenance: dict[str, Any],
    augment: dict[str, Any] | None,
    scores: dict[str, Any] | None = None,
    source_only: dict[str, Any] | None = None,
    timing: dict[str, Any] | None = None,
    source_model: dict[str, Any] | None = None,
    reason: str | None = None,
) -> dict[str, Any]:
    """The content of result.json (see docs/formats.md), sealed."""
    config = task.config
    record = {
        "schema": SCHEMA,
        "identity": identity,
        "status": status,
        "reason": reason,
        "dataset": task.dataset,
        "synthetic": task.synthetic,
        "setting": config.setting,
        "source": config.src,
        "target": config.tgt,
        "method": display_name(config, augment["editor"] if augment else None),
        "augment": augment,
        "backbone": config.backbone,
        "seed": config.seed,
        "split": list(task.label_sets.counts),
        "threshold": config.threshold,
        "scores": scores or {"last": None, "oracle": None, "selected": None},
        "selection_rule": SELECTION_RULE,
        "source_only": source_only,
        "images": {
            "source": len(task.source.rows),
            "target": len(task.target.rows),
            "target_unknown": None
            if task.target.labels is None
            else int(np.sum(task.target.labels == task.label_sets.unknown)),
        },
        "skipped_files": [
            {"path": path, "reason": why}
            for path, why in task.source.decoded.skipped + task.target.decoded.skipped
        ],
        "source_model": source_model,
        "timing": timing,
        "provenance": provenance,
    }
    return seal(record)


def display_name(config: AdaptConfig, editor: str | None) -> str:
    """A method's name as results and tables print it: what ran, e.g. "lead+genmix[filters]".

    Args:
        config: of the run.
        editor: that edited the source; None without augmentation.
    """
    name = config.method_name().removesuffix("+genmix")
    augmented = f"{name}+genmix[{editor}]" if editor else name
    return f"{augmented} (frozen)" if config.freeze_backbone else augmented
