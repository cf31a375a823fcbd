"""The printed command makes the same run again: its settings have the same identity."""

from __future__ import annotations

import itertools
import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genmix_da.reporting.rerun import rerun_command, table_command


def test_the_table_beside_a_run_has_its_editor(finished: Any, genmix_run: Any) -> None:
    words = shlex.split(table_command(genmix_run.result))
    assert words[:4] == ["genmix-da", "table", "--pairs", "Art2Clipart"]
    given = dict(itertools.pairwise(words))
    assert (given["--editor"], given["--edit-size"]) == ("filters", "20")
    assert "--editor" not in table_command(finished.result)


def test_the_table_beside_a_run_has_what_it_was_given(finished: Any) -> None:
    config = finished.result["provenance"]["config"]
    given = {
        "method": "adabn",
        "part": "val",
        "grey_range": "full",
        "profile": "visda-c",
        "graph_options": {"neighbours": 5},
    }
    changed = finished.result | {
        "graph": None,
        "provenance": finished.result["provenance"] | {"config": config | given},
    }
    words = shlex.split(table_command(changed))
    pairs = list(itertools.pairwise(words))
    for pair in (
        ("--methods", "source-only,adabn"),
        ("--part", "val"),
        ("--grey-range", "full"),
        ("--profile", "visda-c"),
        ("--graph-arg", "neighbours=5"),
    ):
        assert pair in pairs
    assert "--no-graph" in table_command(
        changed | {"provenance": {"config": config | {"graph": False}}}
    )
    again = shlex.split(rerun_command(changed) or "")
    assert ("--part", "val") in itertools.pairwise(again)
    assert ("--grey-range", "full") in itertools.pairwise(again)


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


def words_of(config: dict[str, Any], **result: Any) -> list[str]:
    """Of the command for a run from Art to Clipart with such settings."""
    places = {"src": "Art", "tgt": "Clipart", "method": "lead", "augment": "none"}
    return shlex.split(str(rerun_command({"provenance": {"config": places | config}} | result)))


def given(words: list[str], option: str) -> list[str]:
    return [words[place + 1] for place, word in enumerate(words) if word == option]


@pytest.mark.parametrize(
    ("config", "wanted"),
    [
        ({}, []),  # an earlier version's
        ({"graph": True, "graph_threshold": "auto", "graph_options": {"views": "one"}}, []),
        ({"graph_threshold": "otsu:0.5"}, []),  # what auto is
        ({"graph": False, "graph_threshold": 0.4}, ["--no-graph"]),
        ({"graph_threshold": 0.4}, ["--graph-threshold", "0.4"]),
        ({"graph_threshold": "root-otsu"}, ["--graph-threshold", "root-otsu"]),
        ({"graph_options": {"neighbours": 10, "alpha": 0.5}}, ["--graph-arg", "alpha=0.5"]),
        ({"graph_options": {"views": "six"}}, ["--graph-arg", "views=six"]),
        ({"graph_options": {"views": "six"}, "freeze_backbone": True}, []),
        ({"graph_options": {"centred": False}}, ["--graph-arg", "centred=false"]),
    ],
)
def test_the_graph_step_is_in_it_where_it_is_not_the_default(
    config: dict[str, Any], wanted: list[str]
) -> None:
    words = words_of(config)
    assert words[-len(wanted) - 2 : -2] == wanted
    assert sum(word.startswith(("--graph", "--no-graph")) for word in words) == bool(wanted)


def test_a_step_that_was_added_later_is_in_it_as_it_was_made() -> None:
    made = {
        "settings": {"neighbours": 5, "alpha": 0.9},
        "rejection": {"rule": "fixed", "threshold": 0.3},
    }
    words = words_of({"graph": False}, graph=made)
    assert "--no-graph" not in words
    assert given(words, "--graph-threshold") == ["0.3"]
    assert given(words, "--graph-arg") == ["neighbours=5"]


def test_a_rule_for_the_methods_own_threshold_is_in_it() -> None:
    assert given(words_of({"threshold": "auto"}), "--threshold") == ["auto"]


def test_a_method_that_augment_does_not_tell_is_in_it() -> None:
    assert given(words_of({"method": "adabn"}), "--method") == ["adabn"]
    assert "--method" not in words_of({})


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
    assert given(words, "--backbone-arg") == [
        "pad_type=same",
        "dynamic=true",
        "depth=2",
        "act=null",
    ]
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
    from genmix_da.reporting import rerun

    if command == "adapt":
        found, settings, editor = adapt, rerun._ADAPT, rerun._EDITOR_OPTIONS
    else:
        found, settings, editor = train, rerun._CLASSIFY, rerun._CLASSIFY_EDITOR_OPTIONS
    known = {option for parameter in found.params for option in parameter.opts}
    named = {f"--{name.replace('_', '-')}" for name in settings}
    assert named | {*rerun._GENMIX_OPTIONS.values(), *editor.values()} <= known


@pytest.mark.parametrize("name", ["train", "table"])
def test_every_option_is_one_of_the_command_of_pretrainings(name: str) -> None:
    from genmix_da.cli.ssl import table, train
    from genmix_da.reporting import rerun

    found = {"train": train, "table": table}[name]
    known = {option for parameter in found.params for option in parameter.opts}
    row = {f"--{each}" + "s" * (name == "table") for each in rerun._SSL_ROW}
    settings = rerun._SSL + (rerun._PROBED if name == "table" else ())
    named = {f"--{each.replace('_', '-')}" for each in settings}
    assert named | row | {*rerun._CLASSIFY_EDITOR_OPTIONS.values()} <= known


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
