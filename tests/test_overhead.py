"""scripts/bench/classify.py --all: AO is generation and training, over those of none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "bench" / "classify.py"


def test_overhead_counts_what_was_generated(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "overhead.csv"
    command = [sys.executable, str(SCRIPT), "--all", "--data", str(data / "Art"), "--steps", "7"]
    command += ["--methods", "mixup,genmix", "--rounds", "2", "--shots", "4", "--batch", "8"]
    command += ["--backbone", "timm:test_efficientnet", "--weights", "none", "--image-size", "32"]
    done = subprocess.run(
        [*command, "--out", str(out)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    rows = pd.read_csv(out)
    assert list(rows["method"]) == ["none", "mixup", "genmix"] * 2
    assert (rows["generate"] > 0).equals(rows["method"] == "genmix")
    total = rows["generate"] + 7 * rows["step"]
    plain = total[rows["method"] == "none"].repeat(3).to_numpy()
    # The file has four digits of each.
    assert list(rows["overhead"]) == pytest.approx(list(total / plain - 1), rel=2e-3, abs=2e-3)
    middle = 100 * rows[rows["method"] == "genmix"]["overhead"].median()
    printed = next(line for line in done.stdout.splitlines() if line.startswith("| genmix "))
    assert float(printed.split("|")[4]) == pytest.approx(middle, rel=1e-3, abs=1)
