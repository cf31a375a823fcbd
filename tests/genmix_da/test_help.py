"""--help: options under their headings, and the defaults that apply."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from genmix_da.adaptation import profiles
from genmix_da.cli import profile_help
from genmix_da.cli.wording import typed_command, worded
from lead.packaged import PACKAGES
from office_home import OFFICE_HOME_CLASSES

GROUPED = (
    *("adapt", "table", "source", "augment", "preview"),
    *("editors compare", "classify train", "classify table", "ssl train", "ssl probe", "ssl table"),
)


def command_of(name: str) -> click.Command:
    from genmix_da.cli import cli

    command = typed_command(cli, name.split())
    assert command is not None
    return command


@pytest.mark.parametrize("name", GROUPED)
def test_every_option_stands_once_under_a_heading(run: Callable, name: str) -> None:
    for other in GROUPED:  # headings are shared: the command made last must not take them over
        command_of(other)
    shown = run(*name.split(), "--help").out
    options = [p for p in command_of(name).params if isinstance(p, click.Option)]
    for option in options:
        lines = re.findall(rf"^  (?:-\w, )?{option.opts[0]}\b(?!-)", shown, re.MULTILINE)
        assert len(lines) == (not option.hidden), option.opts[0]
    rest = shown.partition("Other options:\n")[2]
    assert [line.split()[0] for line in rest.splitlines() if line.startswith("  -")] == ["-h,"]


def test_headings_come_in_the_order_of_the_work(run: Callable) -> None:
    headings = re.findall(r"^(\S.*):$", run("adapt", "--help").out, re.MULTILINE)
    assert headings == [
        *("Data", "Network", "Source training", "Adaptation", "Rejection and graph", "GenMix"),
        *("Editors with a network", "Running", "Other options"),
    ]


def defaults(run: Callable, *options: object) -> dict[str, str]:
    """Option -> the default behind it."""
    shown = re.sub(r"\n {10,}", " ", run("adapt", *options, "--help").out)
    return dict(re.findall(r"^  (--[a-z-]+).*\[([^\]]+)\]\.?$", shown, re.MULTILINE))


def test_defaults_are_those_of_the_profile_that_applies(
    run: Callable, tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GENMIX_DA_DATA", raising=False)
    monkeypatch.setattr(profile_help, "_has_package", lambda: False)
    mini = defaults(run)
    assert (mini["--backbone"], mini["--epochs"]) == ("timm:resnet10t", "10")
    monkeypatch.setattr(profile_help, "_has_package", lambda: True)
    packaged = defaults(run)
    assert packaged["--backbone"] == "timm:tf_efficientnet_lite0"
    assert packaged["--freeze-backbone"] == "yes"
    assert defaults(run, "--weights", "none")["--backbone"] == "timm:resnet10t"
    assert defaults(run, "--weights", "imagenet")["--backbone"] == "timm:resnet10t"
    assert defaults(run, "--backbone", "timm:resnet18")["--image-size"] == "64"
    lite = defaults(run, "--data", data, "--weights", "packaged")
    assert lite["--backbone"] == "timm:tf_efficientnet_lite0"
    (tmp_path / "c.yaml").write_text("profile: visda-c")
    assert defaults(run, "--config", tmp_path / "c.yaml")["--lr"] == "0.0001"
    own = defaults(run, "--data", data)
    assert (own["--backbone"], own["--epochs"]) == ("resnet50", "50")
    assert defaults(run, "--data", data, "--freeze-backbone")["--epochs"] == "20"
    assert defaults(run, "--profile", "visda-c")["--lr"] == "0.0001"
    for name in OFFICE_HOME_CLASSES:
        (tmp_path / "Art" / name).mkdir(parents=True)
    monkeypatch.setenv("GENMIX_DA_DATA", str(tmp_path))
    shown = re.sub(r"\s+", " ", run("table", "--help").out)
    assert "'office-home'" in shown
    assert defaults(run, "--data", tmp_path / "nowhere")["--backbone"] == "resnet50"


def test_help_twice_is_the_same(run: Callable) -> None:
    assert run("adapt", "--help").out == run("adapt", "--help").out


def test_help_beside_what_cannot_be_read(run: Callable) -> None:
    outcome = run("adapt", "--profile", "none", "--epochs", "many", "--help")
    assert outcome.code == 0
    assert outcome.out.startswith("Usage: genmix-da adapt")


def test_the_package_is_the_one_that_has_the_weights() -> None:
    assert PACKAGES[profiles.PACKAGED["mini"]["backbone"]] == profiles.PACKAGE


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("augment", "no image; check SRC. --seed is -1, not --data-free"),
        ("data check", "no image; check FOLDER. --augment-seed is -1, not --data-free"),
        ("adapt", "no image; check --data. --augment-seed is -1, not --data-free"),
        ("", "no image; check --data. --augment-seed is -1, not --data-free"),
    ],
)
def test_options_are_named_as_the_command_has_them(command: str, said: str) -> None:
    message = "no image; check --data. --augment-seed is -1, not --data-free"
    assert worded(message, command_of(command) if command else None) == said
