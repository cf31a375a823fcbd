"""The JSON beside a checkpoint's tensors: what a reader relies on, checked before it is used."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lead.errors import WeightsError
from lead.protocol import LabelSets
from lead.rejection import parse_rule
from lead.views import Preprocessing

INTERPOLATIONS = ("bilinear", "bicubic")
PRETRAINED = "pretrain"  # the stage of one of genmix-da ssl
CLASSIFIER = "classifier"  # the stage of a checkpoint of genmix-da classify


def check_description(path: Path, description: Mapping[str, Any]) -> None:
    """A description has everything, and of the right kind.

    Args:
        path: of the checkpoint, for the message.
        description: as read from JSON, where anything may have been edited or left out.

    Raises:
        WeightsError: it has not.
        LeadError: its threshold is neither a number nor a rule.
    """
    if description.get("stage") == PRETRAINED:
        raise WeightsError(
            f"{path} is a backbone that was pre-trained, without classes; train a classifier on it "
            "with classify train --weights"
        )
    pre, sets = description.get("preprocessing"), description.get("label_sets")
    right = {
        "preprocessing": isinstance(pre, dict) and _is_preprocessing(pre),
        "backbone": isinstance(description.get("backbone"), str),
        "backbone_arguments": isinstance(description.get("backbone_arguments"), dict),
        "synthetic": isinstance(description.get("synthetic"), bool),
    }
    if description.get("stage") == CLASSIFIER:
        classes = description.get("classes")
        right["classes"] = _are_names(classes) and bool(classes)
    else:
        right |= {
            "label_sets": isinstance(sets, dict) and all(map(_are_names, sets.values())),
            "bottleneck_dim": _is_size(description.get("bottleneck_dim")),
            "threshold": isinstance(description.get("threshold"), int | float | str),
        }
    wrong = [name for name, fits in right.items() if not fits]
    if wrong:
        raise WeightsError(
            f"{path} and its description do not fit together: in {path.with_suffix('.json').name} "
            f"{wrong[0]} is missing or no such thing; copy the run's own file, or run it again"
        )
    for name in ("threshold", "threshold_rule"):
        parse_rule(description.get(name, 0.0))


def label_sets_of(description: Mapping[str, Any]) -> LabelSets:
    """The classes of a checkpoint whose description was checked; a classifier's are all shared."""
    if description.get("stage") == CLASSIFIER:
        return LabelSets(tuple(description["classes"]))
    return LabelSets(**{name: tuple(names) for name, names in description["label_sets"].items()})


def preprocessing_of(description: Mapping[str, Any]) -> Preprocessing:
    """The preprocessing of a checkpoint whose description was checked."""
    pre = description["preprocessing"]
    return Preprocessing(
        tuple(pre["mean"]),
        tuple(pre["std"]),
        pre["image_size"],
        pre["resize_size"],
        pre["interpolation"],
    )


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _is_preprocessing(pre: Mapping[str, Any]) -> bool:
    return (
        _are_three(pre.get("mean"))
        and _are_three(pre.get("std"))
        and all(value > 0 for value in pre["std"])
        and _is_size(pre.get("image_size"))
        and _is_size(pre.get("resize_size"))
        and pre.get("interpolation") in INTERPOLATIONS
    )


def _are_three(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 3 and all(map(_is_number, value))


def _is_number(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and abs(value) < 1e6 and math.isfinite(value)


def _is_size(value: Any) -> bool:
    """A side in pixels, a width."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1_000_000
