"""The three score columns."""

from __future__ import annotations

from typing import Any

import pytest

from genmix_da.adaptation.results import score_columns
from genmix_da.cli.show import echo_scores


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


def test_brackets_in_names_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    echo_scores("[Art] -> Clipart", {"lead+genmix[filters]": None})
    shown = capsys.readouterr().out
    assert "[Art] -> Clipart" in shown
    assert "lead+genmix[filters]" in shown
