"""The three score columns, and what a prediction is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch

from genmix_da import device
from genmix_da.adaptation.predictions import entropy_decisions, prediction_table
from genmix_da.adaptation.results import score_columns
from genmix_da.cli.show import echo_scores
from genmix_da.device import peak_memory_mib
from genmix_da.runs.folder import write_csv


def rows(*values: tuple[float | None, float], name: str = "h_score") -> list[dict[str, Any]]:
    """Epoch 0, then one row for each (score, selection)."""
    blank = {"h_score": None, "known_accuracy": None}
    first = {"epoch": 0, "scores": blank | {name: 1.0, "epoch": 0}, "selection": 99.0}
    later = [
        {"epoch": i, "scores": blank | {name: score, "epoch": i}, "selection": rule}
        for i, (score, rule) in enumerate(values, start=1)
    ]
    return [first, *later]


def epochs(columns: dict[str, Any]) -> list[int | None]:
    return [columns[name] and columns[name]["epoch"] for name in ("last", "oracle", "selected")]


def test_columns_are_last_best_and_chosen() -> None:
    metrics = rows((0.2, 0.1), (0.6, 0.3), (0.5, 0.9), (0.4, 0.2))
    assert epochs(score_columns(metrics, open_set=True)) == [4, 2, 3]


def test_ties_go_to_the_later_epoch() -> None:
    metrics = rows((0.6, 0.5), (0.6, 0.5), (0.1, 0.1))
    assert epochs(score_columns(metrics, open_set=True)) == [3, 2, 2]


def test_source_model_is_never_a_column() -> None:
    assert epochs(score_columns(rows((0.0, 0.0)), open_set=True)) == [1, 1, 1]


def test_closed_set_is_judged_by_accuracy() -> None:
    metrics = rows((0.2, 0.0), (0.9, 0.1), (0.5, 0.2), name="known_accuracy")
    assert epochs(score_columns(metrics, open_set=False)) == [3, 2, 3]


def test_without_labels_there_is_no_oracle() -> None:
    columns = score_columns(rows((None, 0.4), (None, 0.3)), open_set=True)
    assert epochs(columns) == [2, None, 1]


PROBABILITY = torch.tensor([[0.98, 0.01, 0.01], [0.34, 0.33, 0.33], [0.1, 0.8, 0.1]])
NAMES = ("a", "b", "c", "unknown")


def test_uncertain_samples_are_unknown() -> None:
    found = entropy_decisions(PROBABILITY, 0.7, open_set=True).rows(NAMES)
    assert [row[0] for row in found] == ["a", "unknown", "b"]
    assert [row[1] for row in found] == ["0.980000", "0.340000", "0.800000"]
    assert float(found[0][2]) < 0.2 < 0.5 < float(found[2][2]) < 0.7 < float(found[1][2])


def test_closed_set_rejects_nothing() -> None:
    found = entropy_decisions(PROBABILITY, 0.0, open_set=False).rows(NAMES)
    assert [row[0] for row in found] == ["a", "a", "b"]


def test_the_graph_s_decisions_stand_behind_the_method_s() -> None:
    own = entropy_decisions(PROBABILITY, 0.7, open_set=True)
    graph = entropy_decisions(PROBABILITY.flip(0), 9.0, open_set=True)
    header, rows = prediction_table(NAMES, own, graph)
    assert header[:3] == ("predicted", "confidence", "uncertainty")
    assert header[3:] == tuple(f"graph_{name}" for name in header[:3])
    assert [(row[0], row[3]) for row in rows] == [("a", "b"), ("unknown", "a"), ("b", "a")]
    assert prediction_table(NAMES, own, None) == (header[:3], own.rows(NAMES))


def test_csv_quotes_and_keeps_bytes(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    write_csv(file, ("path", "predicted"), [("a,b \u3042", 'say "x"'), (os.fsdecode(b"\xe9"), "")])
    lines = file.read_bytes().splitlines()
    assert lines == [b"path,predicted", '"a,b \u3042","say ""x"""'.encode(), b"\xe9,"]
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]  # no temporary file is left


@pytest.mark.parametrize(("platform", "unit"), [("linux", 2**10), ("darwin", 2**20)])
def test_peak_memory_is_in_mib(platform: str, unit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        ru_maxrss = 5 * unit

    monkeypatch.setattr(device.sys, "platform", platform)
    monkeypatch.setattr(device.resource, "getrusage", lambda who: Usage)
    assert peak_memory_mib(torch.device("cpu")) == {"process": 5.0}


def test_brackets_in_names_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    echo_scores("[Art] -> Clipart", {"lead+genmix[filters]": None})
    shown = capsys.readouterr().out
    assert "[Art] -> Clipart" in shown
    assert "lead+genmix[filters]" in shown
