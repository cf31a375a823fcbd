"""What `adapt` says at its end: counts, where everything is, what to type next."""

from __future__ import annotations

import csv
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from genmix_da.cli import ending, main

QUICK = ("--split", "3/1/2", "--source-epochs", 1, "--epochs", 1, "--augment", "none")


def test_counts_folder_and_next_commands(
    adapt: Callable, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = adapt(*QUICK, "--setting", "OPDA")
    assert outcome.code == 0
    run = tmp_path / "runs" / "run"
    with (run / "predictions.csv").open(newline="") as handle:
        predicted = [row["predicted"] for row in csv.DictReader(handle)]
    said = outcome.out
    assert f"{len(predicted)} images: {predicted.count('unknown')} unknown" in said
    assert f"Run folder: {run} " in said
    commands = [
        shlex.split(line, comments=True)[1:]
        for line in said.splitlines()
        if line.startswith("  genmix-da ")
    ]
    assert [command[0] for command in commands] == ["report", "predict", "table"]
    # What is to be typed next is understood.
    (table,) = (command for command in commands if command[0] == "table")
    capsys.readouterr()
    assert main([*table, "--out", str(tmp_path / "table"), "--dry-run"]) == 0
    assert "adapt" in capsys.readouterr().out


@pytest.mark.parametrize(("auroc", "fell"), [(0.9, False), (0.7, True)])
def test_a_gain_is_told_with_what_it_is_made_of(
    auroc: float, fell: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    result = {
        "method": "lead",
        "setting": "opda",
        "source_only": {"h_score": 0.40, "auroc": 0.8, "oscr": 0.7},
        "scores": {"last": {"h_score": 0.55, "auroc": auroc, "oscr": None}},
    }
    ending._echo_gain(result)
    said = capsys.readouterr().out
    assert f"H-score 40.0 -> 55.0, AUROC 80.0 -> {100 * auroc:.1f} (one run;" in said
    # An H-score hangs on whose threshold it was counted with, so that is said beside it.
    assert "H-scores at the threshold of this method" in said
    assert ("AUROC fell" in said) == fell


@pytest.mark.parametrize(
    ("threshold", "expected"), [(0.0001, "more than 95 %"), (1.0, "fewer than 1 %")]
)
def test_thresholds_that_do_not_fit_are_shown(
    adapt: Callable, threshold: float, expected: str
) -> None:
    said = adapt(*QUICK, "--threshold", threshold).out
    assert f"{expected} of the images are rejected" in said
    assert "--threshold auto" in said
    bars = [line for line in said.splitlines() if line.startswith("  0.")]
    assert len(bars) == 10
    assert sum(int(line.split()[1]) for line in bars) == 60
    assert sum("<- threshold" in line for line in bars) == 1


@pytest.mark.parametrize("setting", ["opda", "osda"])
def test_a_target_without_unknown_classes_is_offered_no_threshold(
    adapt: Callable, setting: str
) -> None:
    said = adapt(*QUICK, "--split", "6/0/0", "--setting", setting).out
    assert "The target has no unknown class: nothing is rejected" in said
    assert "Against the source model alone: accuracy " in said
    assert "may not fit" not in said and "% of the images rejected" not in said


def test_a_target_without_labels(adapt: Callable, data: Path, tmp_path: Path) -> None:
    flat = tmp_path / "own" / "Flat"
    flat.mkdir(parents=True)
    for number, image in enumerate(sorted((data / "Clipart").rglob("*.*"))):
        shutil.copy(image, flat / f"{number}{image.suffix}")
    shutil.copytree(data / "Art", tmp_path / "own" / "Art")
    options = [option for option in QUICK if option not in ("--split", "3/1/2")]
    outcome = adapt(*options, "--data", tmp_path / "own", "--tgt", "Flat")
    assert outcome.code == 0, outcome.err
    assert "the target has no labels, so there is nothing to score" in outcome.out
    assert "Rejected as unknown: " in outcome.out
    assert "Rejected as unknown with +graph: " in outcome.out
    assert "n/a" not in outcome.out
    assert "genmix-da table" not in outcome.out
    assert "72 images: " in outcome.out
