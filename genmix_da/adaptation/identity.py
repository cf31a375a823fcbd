"""What one adaptation is made of, and the hash that names it."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from genmix_da.adaptation.joint_data import shares_budget
from genmix_da.adaptation.source_model import source_settings
from genmix_da.adaptation.task import Task
from genmix_da.augment.source_task import Augmentation
from genmix_da.config_values import identity


def run_settings(task: Task, augmentation: Augmentation | None) -> dict[str, Any]:
    """The content of config.yaml, as JSON gives it back: settings, and what is RECORDED."""
    settings = {
        **task.config.as_dict(),
        "method": task.config.method_name(),
        "augmentation": augmentation.as_dict() if augmentation else None,
        "label_sets": dataclasses.asdict(task.label_sets),
        "target_data": task.target.decoded.fingerprint,
        "source_model": identity(source_settings(task, augmentation)),
        "device": task.device.type,
    }
    if shares_budget(task.config):
        settings["joint_budget"] = "images"  # it was steps in earlier versions: twice as many
    content: dict[str, Any] = json.loads(json.dumps(settings))
    return content


def settings_of_seed(settings: dict[str, Any], seed: int, source: dict[str, Any]) -> dict[str, Any]:
    """`run_settings` of the same run with another seed, for a plan of thousands.

    Args:
        settings: of a run.
        seed: the other one.
        source: `source_settings` of that seed.
    """
    return settings | {"seed": seed, "source_model": identity(source)}


def run_identity(settings: dict[str, Any]) -> str:
    """Hash of what decides the result. Names of files do not: their contents are recorded."""
    by_content = {"data", "split", "weights", "source_checkpoint", "augment", "genmix"}
    by_content |= {"part", "refuse_duplicates", "grey_range"}
    by_content |= {"graph", "graph_threshold", "graph_options"}  # of a step after the run
    if not settings["freeze_backbone"]:
        by_content.add("freeze_backbone")
    elif str(settings["backbone"]).startswith("transformers:"):
        by_content.add("backbone")  # may be a folder; the source model is named by its weights
    # As in runs of versions that did not have them.
    by_content |= {name for name in ("unknown_share", "method_options") if not settings[name]}
    return identity({key: value for key, value in settings.items() if key not in by_content})
