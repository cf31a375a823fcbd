"""The content of result.json of a classification (see docs/formats.md), sealed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor

from genmix_da.classify.method import Method
from genmix_da.classify.task import ClassifyTask, labels_of
from genmix_da.runs.folder import write_csv
from genmix_da.runs.seal import SCHEMA, seal

SETTING = "classification"
SELECTION_RULE = "top-1 on the validation part"


def classify_record(
    task: ClassifyTask,
    method: Method,
    *,
    status: str,
    identity: str,
    provenance: dict[str, Any],
    scores: dict[str, Any] | None = None,
    made: dict[str, Any] | None = None,
    timing: dict[str, Any] | None = None,
    robustness: dict[str, Any] | None = None,
    reason: str | None = None,
) -> dict[str, Any]:
    """The frame of every run's result, with what a classification has.

    Args:
        task, method: of the run.
        status: "done", "incomplete" or "failed" (with `reason`).
        identity: of the run, see `run_identity`.
        provenance: versions, machine, settings (config) and fingerprints (data).
        scores: three blocks, see `score_columns`; None: there are none yet.
        made: counts of the images that GenMix made; None without them.
        timing: seconds and throughput.
        robustness: from `attack_errors`; None where nothing was attacked.
        reason: why it failed, in one sentence; None where it did not.

    Returns:
        The content of result.json with its digest.

    Raises:
        ValueError: NaN or infinity, which JSON does not have.
    """
    config = task.config
    return seal(
        {
            "schema": SCHEMA,
            "identity": identity,
            "status": status,
            "reason": reason,
            "dataset": task.dataset,
            "synthetic": task.synthetic,
            "setting": SETTING,
            "source": task.dataset,
            "target": task.dataset,
            "method": method.name,
            "augment": method.as_dict(),
            "backbone": config.backbone,
            "seed": config.seed,
            "scores": scores or {"last": None, "oracle": None, "selected": None},
            "selection_rule": SELECTION_RULE if task.val else None,
            "images": {
                "classes": len(task.classes),
                "train": len(task.train.rows),
                "val": len(task.val.rows) if task.val else None,
                "test": len(task.test.rows),
            },
            "made": made,
            "robustness": robustness,
            "duplicates": task.duplicates,
            "skipped_files": [{"path": path, "reason": why} for path, why in task.skipped()],
            "timing": timing,
            "provenance": provenance,
        }
    )


def write_class_predictions(path: Path, task: ClassifyTask, probability: Tensor) -> None:
    """One line per test image: path, true class, predicted class, confidence.

    Args:
        path: of the CSV file.
        task: test images and classes.
        probability: [N, C].
    """
    confidence, predicted = probability.max(dim=1)
    rows = zip(task.test.paths, labels_of(task.test), predicted, confidence, strict=True)
    write_csv(
        path,
        ("path", "true", "predicted", "confidence"),
        [
            (str(image), task.classes[true], task.classes[int(guess)], f"{sure:.6f}")
            for image, true, guess, sure in rows
        ],
    )
