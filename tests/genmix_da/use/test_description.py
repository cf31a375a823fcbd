"""Descriptions of checkpoints that were edited: what a reader relies on is checked."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from genmix_da.use.description import check_description, label_sets_of, preprocessing_of
from lead.errors import LeadError

PATH = Path("run/checkpoint.safetensors")


@pytest.fixture
def description(finished: Any) -> dict[str, Any]:
    """What a run wrote."""
    return json.loads((finished.folder / "checkpoint.json").read_text())


def test_what_a_run_wrote_is_taken(description: dict[str, Any]) -> None:
    check_description(PATH, description)
    assert label_sets_of(description).counts == (3, 1, 2)
    assert preprocessing_of(description).image_size == 32
    check_description(PATH, description | {"threshold": "otsu:0.5"})  # of a source model


@pytest.mark.parametrize(
    ("place", "value"),
    [
        *((("preprocessing", "mean"), value) for value in ([0.5, 0.5], "x", [None] * 3, None)),
        *((("preprocessing", "std"), value) for value in ([0.5, 0, 0.5], [1e999] * 3)),
        *((("preprocessing", "image_size"), value) for value in (0, -1, 1.5, True, 10**40, {})),
        *((("preprocessing", "resize_size"), value) for value in ({"x": [1]}, 10**400)),
        (("preprocessing", "interpolation"), "x"),
        (("label_sets", "shared"), [1, 2, 3]),
        (("label_sets", "shared"), "abc"),
        (("label_sets",), []),
        (("preprocessing",), None),
        (("backbone",), 3),
        (("backbone_arguments",), []),
        (("bottleneck_dim",), -1),
        (("synthetic",), "no"),
        *((("threshold",), value) for value in (None, [], "x", float("nan"))),
        (("threshold_rule",), "otsu:x"),
    ],
)
def test_what_was_edited_is_named(
    description: dict[str, Any], place: tuple[str, ...], value: object
) -> None:
    changed = copy.deepcopy(description)
    holder = changed
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = value
    with pytest.raises(LeadError, match="threshold" if "threshold" in place[0] else place[0]):
        check_description(PATH, changed)


@pytest.mark.parametrize("name", ["threshold", "synthetic", "preprocessing", "bottleneck_dim"])
def test_what_is_missing_is_named(description: dict[str, Any], name: str) -> None:
    del description[name]
    with pytest.raises(LeadError, match=rf"checkpoint\.json {name} is missing"):
        check_description(PATH, description)
