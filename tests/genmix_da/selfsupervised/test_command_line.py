"""genmix-da ssl as it is typed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

Run = Callable[..., Any]


def test_train_and_probe(
    run: Run, data: Path, tmp_path: Path, tiny_arguments: tuple[str, ...]
) -> None:
    folder = tmp_path / "run"
    done = run("ssl", "train", "--data", data / "Art", *tiny_arguments, "--out", folder)
    assert done.code == 0, done
    assert "72 images, 27 steps" in done.out
    assert "spread of the projections" in done.out
    assert "the queue holds 32 keys, those of 4 steps" in done.err
    probed = run("ssl", "probe", folder, "--data", data / "Art")
    assert probed.code == 0, probed
    assert "pre-trained" in probed.out and "before pre-training" in probed.out
    assert "12 test images were seen in pre-training" in probed.out
    asked = run("ssl", "probe", folder, "--data", data / "Art", "--json")
    (held,) = json.loads((folder / "probe.json").read_text())["probes"].values()
    assert json.loads(asked.out) == held


def test_a_logger_gets_the_report(
    run: Run,
    data: Path,
    tmp_path: Path,
    tiny_arguments: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from genmix_da.loggers import LOGGERS

    log = Mock()
    monkeypatch.setitem(LOGGERS, "mine", lambda: log)
    given = ("--data", data / "Art", *tiny_arguments, "--epochs", "1", "--log", "mine")
    assert run("ssl", "train", *given, "--out", tmp_path / "run").code == 0
    assert log.epoch.call_count == 1
    log.file.assert_called_once_with(tmp_path / "run" / "report.html")
    assert "No probe says yet" in (tmp_path / "run" / "report.html").read_text()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--method", "simclr"), "--method is 'simclr'"),
        (("--method", "simsiam"), "--norm-group is of --method moco-v2 alone"),
        (("--batch-size", "1000"), "fewer than a batch of 1000"),
        (("--editor", "nothing", "--augment", "genmix"), "nothing"),
    ],
)
def test_one_sentence(
    run: Run,
    complaint: Callable[[Any], str],
    data: Path,
    tmp_path: Path,
    tiny_arguments: tuple[str, ...],
    options: tuple[str, ...],
    said: str,
) -> None:
    given = ("--data", data / "Art", *tiny_arguments, "--out", tmp_path / "run")
    assert said in complaint(run("ssl", "train", *given, *options))


def test_what_diffusemix_fixes_is_said(
    run: Run, data: Path, tmp_path: Path, tiny_arguments: tuple[str, ...]
) -> None:
    small = ("--editor", "filters", "--edit-size", "32", "--per-image", "1", "--epochs", "1")
    given = ("--data", data / "Art", *tiny_arguments, *small, "--out", tmp_path / "run")
    done = run("ssl", "train", *given, "--augment", "diffusemix", "--lambda", "0.5")
    assert done.code == 0, done
    assert "diffusemix fixes fractal_lambda: not used as given" in done.err
    assert "moco-v2+diffusemix[filters]" in done.out


@pytest.mark.parametrize("command", ["card", "export"])
def test_other_commands_say_what_it_is(
    run: Run, complaint: Callable[[Any], str], pretrained: Path, tmp_path: Path, command: str
) -> None:
    shutil.copytree(pretrained, tmp_path / "run")
    options = ("--to", "torchscript") if command == "export" else ()
    said = complaint(run(command, tmp_path / "run", *options))
    assert "a pre-training" in said or "a backbone that was pre-trained" in said
