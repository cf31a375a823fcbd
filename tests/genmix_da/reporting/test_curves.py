"""Curves: the marked epochs are all seen, and nothing is cut off at the edge of the axes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from genmix_da.reporting import curves, openset
from genmix_da.reporting.figures import Chart, from_zero
from genmix_da.reporting.load import load_runs
from genmix_da.reporting.run import ReportRun


@pytest.fixture
def one_epoch_for_all(altered: Callable, finished: Any) -> ReportRun:
    """A run whose last, selected and oracle epochs are one, at 100 percent."""
    block = finished.result["scores"]["last"] | {"h_score": 1.0}
    folder = altered(scores=dict.fromkeys(("last", "selected", "oracle"), block))
    return load_runs([folder]).runs[0]


def drawn(chart: Chart) -> Figure:
    figure = Figure(figsize=chart.size, layout="constrained")
    chart.draw(figure)
    return figure


def test_last_is_seen_around_the_oracle(one_epoch_for_all: ReportRun) -> None:
    axes = drawn(curves.scores_chart(one_epoch_for_all)).axes[0]
    marks = {line.get_label(): line for line in axes.lines if len(line.get_xdata()) == 1}
    last, selected, oracle = (marks[name] for name in ("last", "selected", "oracle"))
    places = {tuple(map(float, (m.get_xdata()[0], m.get_ydata()[0]))) for m in marks.values()}
    assert len(places) == 1
    assert last.get_markersize() > 1.3 * selected.get_markersize()
    assert selected.get_markersize() > 1.05 * oracle.get_markersize()
    # Rings around what is inside; none is cut by the axes.
    assert [mark.get_fillstyle() for mark in (last, selected, oracle)] == ["none", "none", "full"]
    assert not any(mark.get_clip_on() for mark in marks.values())


def test_lines_at_the_ends_of_the_scale_are_whole(one_epoch_for_all: ReportRun) -> None:
    found = {chart.name: chart for chart in openset.charts(one_epoch_for_all)}
    found |= {chart.name: chart for chart in curves.run_charts(one_epoch_for_all)}
    for name in ("roc", "oscr", "scores", "losses", "source"):
        for axes in drawn(found[f"run-1-{name}"]).axes:
            low, high = axes.get_ylim()
            values = np.concatenate([np.asarray(line.get_ydata(), float) for line in axes.lines])
            room = 0.01 * (high - low)
            assert low + room < np.nanmin(values) and np.nanmax(values) < high - room


def test_losses_below_zero_are_drawn() -> None:
    axes = Figure().subplots()
    axes.plot([0, 1], [-2.0, 1.0])
    low, high = from_zero(axes)
    assert low < -2.0 and high > 1.0
    axes.plot([0, 1], [3.0, 4.0])
    assert from_zero(axes)[0] < -2.0
    positive = Figure().subplots()
    positive.plot([0, 1], [3.0, 4.0])
    assert -0.5 < from_zero(positive)[0] < 0.0


def test_without_scores_there_is_no_empty_chart(altered: Callable) -> None:
    folder: Path = altered()
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    for row in rows:
        row["scores"] = dict.fromkeys(row.get("scores") or {})
        row["graph"] = None
    (folder / "metrics.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    names = [chart.name for chart in curves.run_charts(load_runs([folder]).runs[0])]
    assert "run-1-losses" in names and "run-1-scores" not in names


def test_losses_are_those_of_the_method(altered: Callable) -> None:
    folder = altered()
    lines = []
    for line in (folder / "metrics.jsonl").read_text().splitlines():
        row = json.loads(line)
        if row.get("losses"):
            row["losses"] = {"pseudo_label": 1.0, "contrast": -0.5, "total": 0.5}
        lines.append(json.dumps(row))
    (folder / "metrics.jsonl").write_text("\n".join(lines))
    found = {chart.name: chart for chart in curves.run_charts(load_runs([folder]).runs[0])}
    axes = drawn(found["run-1-losses"]).axes[0]
    labels = [line.get_label() for line in axes.lines if len(line.get_xdata()) > 1]
    assert labels == ["total", "pseudo-label", "contrast"]
