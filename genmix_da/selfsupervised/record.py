"""What decides a pre-training, and the content of its result.json (docs/formats.md), sealed."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from genmix_da.augment.source_task import Augmentation
from genmix_da.config_values import identity
from genmix_da.runs.provenance import provenance
from genmix_da.runs.seal import SCHEMA, seal
from genmix_da.selfsupervised.task import SelfSupervisedTask

SETTING = "self-supervised"
STAGE = "pretrain"
COLLAPSED = 0.1  # share of an even spread below which projections are called one
IMAGES = "images.txt"  # of a run folder: the beginning of the SHA-256 of every image, one a line
# Names of files and folders, what is recorded in resolved form, and what decides no result.
_LEFT_OUT = (
    *("data", "root", "download", "weights", "grey_range", "augment", "genmix", "workers"),
    "dataset",
)


def run_settings(task: SelfSupervisedTask, augmentation: Augmentation | None) -> dict[str, Any]:
    """The content of config.yaml, as JSON gives it back: resolved settings, and what is RECORDED.

    Args:
        task: from `prepare`.
        augmentation: from `augmentation_of`; None where no images are made.
    """
    settings = {
        **task.config.as_dict(),
        "augmentation": augmented_by(task, augmentation),
        "contents": task.contents(),
        "device": task.device.type,
    }
    content: dict[str, Any] = json.loads(json.dumps(settings))
    return content


def run_identity(settings: dict[str, Any]) -> str:
    """Hash of what decides the result. Names of files do not: their contents are recorded."""
    return identity({key: value for key, value in settings.items() if key not in _LEFT_OUT})


def augmented_by(
    task: SelfSupervisedTask, augmentation: Augmentation | None
) -> dict[str, Any] | None:
    """How images are made; None where none are."""
    if augmentation is None:
        return None
    return {"name": task.config.augment, **augmentation.as_dict()}


def method_name(task: SelfSupervisedTask, augmentation: Augmentation | None) -> str:
    """As results print it: what ran, e.g. "moco-v2" or "simsiam+genmix[filters]"."""
    config = task.config
    if augmentation is None:
        return config.method
    return f"{config.method}+{config.augment}[{augmentation.editor.name}]"


def pretraining_record(
    task: SelfSupervisedTask,
    augmentation: Augmentation | None,
    *,
    status: str,
    identity: str,
    provenance: dict[str, Any],
    last: dict[str, Any] | None = None,
    made: dict[str, Any] | None = None,
    timing: dict[str, Any] | None = None,
    reason: str | None = None,
) -> dict[str, Any]:
    """The frame of every run's result, with what a pre-training has.

    Args:
        task, augmentation: of the run.
        status: "done", "incomplete" or "failed" (with `reason`).
        identity: of the run, see `run_identity`.
        provenance: versions, machine, settings (config) and fingerprints (data).
        last: loss and spread of the last epoch; None: there is none yet.
        made: counts of the images that were made; None without them.
        timing: seconds and throughput.
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
            "method": method_name(task, augmentation),
            "augment": augmented_by(task, augmentation),
            "backbone": config.backbone,
            "seed": config.seed,
            # Nothing is classified here; `ssl probe` does that.
            "scores": {"last": None, "oracle": None, "selected": None},
            "last_epoch": last,
            "images": {"train": len(task.source.rows)},
            "made": made,
            "skipped_files": [
                {"path": path, "reason": why} for path, why in task.source.decoded.skipped
            ],
            "timing": timing,
            "provenance": provenance,
        }
    )


def has_collapsed(last: Mapping[str, Any]) -> bool:
    """Whether the projections of the last epoch are nearly one (SimSiam, Fig. 2).

    Args:
        last: `last_epoch` of a record: `feature_std` and `even_std`.
    """
    return bool(last["feature_std"] < COLLAPSED * last["even_std"])


def describe_backbone(task: SelfSupervisedTask, epoch: int) -> dict[str, Any]:
    """What lies beside the checkpoint: backbone, preprocessing, provenance.

    Args:
        task: of the run.
        epoch: after which the weights are taken.
    """
    config = task.config
    return {
        "schema": SCHEMA,
        "stage": STAGE,
        "method": config.method,
        "backbone": config.backbone,
        "backbone_arguments": config.backbone_arguments,
        "preprocessing": dataclasses.asdict(task.preprocessing),
        "synthetic": task.synthetic,
        "epoch": epoch,
        "provenance": provenance() | {"data": task.source.decoded.fingerprint},
    }
