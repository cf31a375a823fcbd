"""A finished pre-training, read from its run folder, and the probes that were made of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genmix_da.errors import UserError
from genmix_da.runs.folder import RunFolder
from genmix_da.runs.seal import digest_of
from genmix_da.selfsupervised.config import SelfSupervisedConfig, build_ssl_config
from genmix_da.selfsupervised.record import SETTING

PROBES = "probe.json"


@dataclass(frozen=True)
class FinishedPretraining:
    """What a run folder holds.

    Attributes:
        files: the folder.
        result: content of result.json.
        config: settings.
        began: what `weights_identity` gave of the weights that it began with.
    """

    files: RunFolder
    result: dict[str, Any]
    config: SelfSupervisedConfig
    began: str


def finished_pretraining(folder: Path) -> FinishedPretraining:
    """Read a run folder.

    Raises:
        UserError: it holds no finished pre-training with its checkpoint, or a changed record.
    """
    if not (folder / "config.yaml").is_file():
        raise UserError(f"{folder} is no run folder of genmix-da ssl train.")
    files = RunFolder(folder)
    result = files.result()
    if result is None or result.get("setting") != SETTING:
        raise UserError(
            f"{folder} holds no finished pre-training; train it with genmix-da ssl train."
        )
    if not files.checkpoint.is_file():
        raise UserError(
            f"{folder} has no {files.checkpoint.name}, so there is nothing to probe; train it "
            "again in another folder."
        )
    try:
        began = result["provenance"]["config"]["contents"]["weights"]
    except (KeyError, TypeError) as error:
        raise UserError(
            f"{folder / 'result.json'} does not say what the pre-training began with, so it has "
            "been changed; train it again in another folder."
        ) from error
    return FinishedPretraining(files, result, build_ssl_config({}, folder / "config.yaml"), began)


def read_probes(folder: Path, identity: str) -> dict[str, Any]:
    """Earlier probes of a run, by what decides them; none where there is no probe.json.

    Args:
        folder: of the run.
        identity: of the run.

    Raises:
        UserError: the file was damaged or edited, or is of another run.
    """
    file = folder / PROBES
    if not file.is_file():
        return {}
    try:
        content = json.loads(file.read_text())
        if content["digest"] != digest_of(content):
            raise ValueError("its digest does not match its content")
        if content["identity"] != identity:
            raise ValueError(f"it is of the run {content['identity']}")
        return dict(content["probes"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError(
            f"{file} is damaged or was edited ({error}); remove it to probe again."
        ) from error


def probed_scores(found: Mapping[str, Any]) -> dict[str, float | None]:
    """Top-1 of both classifiers, of the backbone after pre-training and before.

    Args:
        found: a member of `read_probes`; what it says nothing of is None.
    """
    trained, before = found["trained"], found["start"] or {}
    return {
        "linear": trained["linear"],
        "knn": trained["knn"],
        "linear_before": before.get("linear"),
        "knn_before": before.get("knn"),
    }
