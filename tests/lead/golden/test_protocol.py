"""Published splits, settings and learning rates are ours."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from golden_values.failures import committed_case, expect_failure, shifted
from golden_values.files import (
    Info,
    plain_files,
)
from golden_values.learning_rate import (
    LEARNING_RATE_RTOL,
    check_learning_rate_case,
)
from lead import clusters, protocol, pseudo_labels, schedule
from lead.bank import NEIGHBOURS
from lead.epochs import TargetConfig
from lead.losses import LOG_EPSILON


def check_split(split: Mapping[str, Any]) -> None:
    """Label sets made from a published split give its labels and evaluation classes."""
    classes = [f"class {index}" for index in range(1000)]
    shared, private = split["shared"], split["source_private"]
    first, last = split["target_private_class_indices"] or (0, -1)
    sets = protocol.LabelSets(
        tuple(classes[:shared]),
        tuple(classes[shared : shared + private]),
        tuple(classes[first : last + 1]),
    )
    assert sets.counts == (shared, private, split["target_private"])
    assert len(sets.source_classes) == split["classifier_classes"]
    if sets.open_set:
        assert sets.unknown == split["unknown_label"]
    else:
        assert split["unknown_label"] is None
    assert list(sets.evaluation_classes) == split["evaluation_class_list"]


def check_common_settings(common: Mapping[str, Any]) -> None:
    """Constants and defaults are the published ones."""
    assert common["momentum"] == schedule.MOMENTUM
    assert common["weight_decay"] == schedule.WEIGHT_DECAY
    assert common["backbone_lr_factor"] == schedule.BACKBONE_FACTOR
    assert tuple(common["cluster_coefficients"]) == clusters.COEFFICIENTS
    assert common["reestimate_every_epochs"] == TargetConfig().reestimate_every
    assert common["neighbours"] == NEIGHBOURS
    assert common["weight_alpha"] == pseudo_labels.WEIGHT_ALPHA
    assert common["log_epsilon"] == LOG_EPSILON


@pytest.mark.parametrize(("path", "info"), plain_files("learning_rate.json"))
def test_learning_rate(path: Path, info: Info) -> None:
    entries = json.loads(path.read_text())
    assert entries
    for entry in entries:
        check_learning_rate_case({key: np.asarray(value) for key, value in entry.items()}, info)


@pytest.mark.parametrize(("path", "info"), plain_files("protocol.json"))
def test_published_splits_and_settings(path: Path, info: Info) -> None:
    published = json.loads(path.read_text())
    check_common_settings(published["common"])
    for dataset in published["datasets"].values():
        for split in dataset["settings"].values():
            if split is not None:  # not published
                check_split(split)


@pytest.mark.parametrize("value", ["backbone_lr", "head_lr", "decay"])
def test_shifted_learning_rate_is_caught(value: str) -> None:
    golden = committed_case("learning_rate", "first")[0][value]
    changed = shifted(golden, rtol=LEARNING_RATE_RTOL)
    expect_failure("learning_rate", "first", value, changed)


@pytest.mark.parametrize("value", ["weight_decay", "momentum", "nesterov"])
def test_changed_optimiser_setting_is_caught(value: str) -> None:
    golden = committed_case("learning_rate", "first")[0][value]
    changed = ~golden if golden.dtype == bool else golden * 2
    expect_failure("learning_rate", "first", value, changed)
