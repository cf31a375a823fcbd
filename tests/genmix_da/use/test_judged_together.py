"""A network that judges all images together is used on the images that its run had."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from tiny_runs import NETWORK


def test_evaluate_and_predict_of_uniot(run: Callable, data: Path, tmp_path: Path) -> None:
    folder, out = tmp_path / "uniot", tmp_path / "p.csv"
    # The domain has images of the source's own class and of a class that is not used at all.
    options = ("--split", "2/1/2", "--source-epochs", "2", "--epochs", "1", "--method", "uniot")
    pair = ("--src", "Art", "--tgt", "Clipart", "--data", data)
    result = run("adapt", *pair, *NETWORK, *options, "--out", folder, "--json").json()
    arguments = ("evaluate", folder, "--tgt", "Clipart", "--data", data, "--device", "cpu")
    found = run(*arguments, "--json").json()
    assert found["images"] < len(list((data / "Clipart").rglob("*.*")))
    for name in ("h_score", "auroc", "oscr"):
        expected = result["scores"]["last"][name]
        assert found["scores"][name] == pytest.approx(expected, abs=1e-9)
    predicted = run("predict", folder, data / "Clipart", "--out", out, "--device", "cpu")
    assert predicted.code == 0
    assert "uniot judges all images of a folder together" in " ".join(predicted.err.split())
    with out.open(newline="") as handle:
        for row in csv.DictReader(handle):
            assert (row["predicted"] == "unknown") == (float(row["uncertainty"]) > 0.5)
