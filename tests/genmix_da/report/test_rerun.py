"""The printed command makes the same run again: its settings have the same identity."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genmix_da.report.rerun import rerun_command


@pytest.mark.parametrize("which", ["finished", "genmix_run"])
def test_the_command_makes_a_run_of_the_same_identity(
    which: str, run: Callable, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    done: Any = request.getfixturevalue(which)
    command = rerun_command(done.result, str(tmp_path / "again"))
    assert command is not None
    words = shlex.split(command)
    assert words[:2] == ["genmix-da", "adapt"]
    outcome = run(*words[1:], "--json")
    assert outcome.code == 0, outcome.err
    again = json.loads(outcome.out)
    assert again["identity"] == done.result["identity"]
    assert again["scores"] == done.result["scores"]


def test_unusual_settings_are_in_it() -> None:
    config = {
        "src": "Real World",
        "tgt": "it's here",
        "method": "lead+genmix",
        "augment": "genmix",
        "backbone": "timm:x",
        "backbone_arguments": {"pad_type": "same", "dynamic": True, "depth": 2, "act": None},
        "freeze_backbone": True,
        "mixed_precision": False,
        "genmix": {
            "fractal_lambda": 0.1,
            "size": 256,
            "seed": 4,
            "masks": ["vertical", "patchswap"],
            "editor_options": {"batch": 4, "steps": 20, "fast": True},
        },
        "augmentation": {"editor": "filters"},
        "seed": 5,
    }
    words = shlex.split(str(rerun_command({"provenance": {"config": config}})))
    assert words[words.index("--src") + 1] == "Real World"
    assert words[words.index("--tgt") + 1] == "it's here"
    given = [words[i + 1] for i, word in enumerate(words) if word == "--backbone-arg"]
    assert given == ["pad_type=same", "dynamic=true", "depth=2", "act=null"]
    for option, value in (
        *(("--lambda", "0.1"), ("--edit-size", "256"), ("--augment-seed", "4")),
        *(("--masks", "vertical,patchswap"), ("--edit-batch", "4"), ("--steps", "20")),
        *(("--editor", "filters"), ("--seed", "5")),
    ):
        assert words[words.index(option) + 1] == value
    assert {"--freeze-backbone", "--no-mixed-precision", "--fast"} <= set(words)


@pytest.mark.parametrize("command", ["adapt", "classify train"])
def test_every_option_is_one_of_the_command(command: str) -> None:
    from genmix_da.cli.adapt import command as adapt
    from genmix_da.cli.classify import train
    from genmix_da.report import rerun

    if command == "adapt":
        found, settings, editor = adapt, rerun._ADAPT, rerun._EDITOR_OPTIONS
    else:
        found, settings, editor = train, rerun._CLASSIFY, rerun._CLASSIFY_EDITOR_OPTIONS
    known = {option for parameter in found.params for option in parameter.opts}
    named = {f"--{name.replace('_', '-')}" for name in settings}
    assert named | {*rerun._GENMIX_OPTIONS.values(), *editor.values()} <= known


def test_source_only_is_a_table() -> None:
    config = {"src": "Art", "tgt": "Clipart", "method": "source-only", "seed": 3, "setting": "pda"}
    words = shlex.split(str(rerun_command({"provenance": {"config": config}})))
    assert words[:2] == ["genmix-da", "table"]
    assert words[words.index("--pairs") + 1] == "Art2Clipart"
    assert words[words.index("--seeds") + 1] == "3"
    assert "--src" not in words


def test_a_record_without_settings_has_no_command() -> None:
    assert rerun_command({}) is None
    assert rerun_command({"provenance": {"config": None}}) is None
