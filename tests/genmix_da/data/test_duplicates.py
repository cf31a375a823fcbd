"""The same image in what is trained on and what is scored on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

QUICK = ("--source-epochs", 1, "--epochs", 1, "--cluster-estimator", "features")


def test_a_source_image_in_the_target_is_counted(
    adapt: Callable, make_data: Callable, tmp_path: Path
) -> None:
    root = make_data(tmp_path / "own", ("Art", "Clipart"))
    for number in range(3):
        source = root / "Art" / "apple" / f"{number:02}{'.png' if number % 2 else '.jpg'}"
        shutil.copy(source, root / "Clipart" / "banana" / f"copy{number}{source.suffix}")
    # Of a class that the target does not use: nothing is scored on it.
    shutil.copy(source, root / "Clipart" / "date" / f"copy{source.suffix}")
    arguments = ("--data", root, "--split", "3/1/2", *QUICK)
    outcome = adapt(*arguments)
    assert outcome.code == 0, outcome.err
    said = "duplicates: 3 of the 63 images of Clipart to score on are images of the source"
    assert said in outcome.err
    result = json.loads((tmp_path / "runs" / "run" / "result.json").read_text())
    assert result["duplicates"] == 3
    refused = adapt(*arguments, "--refuse-duplicates", "--out", tmp_path / "other")
    assert refused.code == 2
    assert "leave --refuse-duplicates out" in refused.err
    assert not (tmp_path / "other").exists()


def test_no_duplicate_is_no_word(adapt: Callable, tmp_path: Path) -> None:
    outcome = adapt("--split", "3/1/2", *QUICK)
    assert "duplicates" not in outcome.err
    result = json.loads((tmp_path / "runs" / "run" / "result.json").read_text())
    assert result["duplicates"] == 0
