"""Figures of one classification run: scores, training, confusion matrix, robustness."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genmix_da.reporting.confusion import confusion_chart
from genmix_da.reporting.curves import rate_chart, scores_chart, training_chart
from genmix_da.reporting.figures import COLOURS, MARKERS, PERCENT, Chart, legend_below
from genmix_da.reporting.run import ReportRun

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def training_charts(run: ReportRun) -> list[Chart]:
    """Scores on the test images, loss and training accuracy, learning rate."""
    if not run.metrics:
        return []
    charts = [
        training_chart(run.metrics, f"{run.key}-training", "Training"),
        rate_chart(run, [("training", run.metrics)]),
    ]
    return [scores_chart(run), *charts] if any(row.get("scores") for row in run.metrics) else charts


def decision_charts(run: ReportRun) -> list[Chart]:
    """Confusion matrix of the last epoch; error under attack, where the run was attacked."""
    charts = []
    names = run.class_names
    decided = _decisions(run.folder / "predictions.csv", names)
    if decided is not None:
        charts.append(confusion_chart(f"{run.key}-confusion", "last epoch", *decided, names))
    robustness = run.content.get("robustness") or {}
    if robustness.get("fgsm"):
        charts.append(_attack_chart(run, robustness))
    return charts


def _decisions(path: Path, names: list[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """(true [N], decided [N]) class numbers; None where they cannot be read."""
    place = {name: number for number, name in enumerate(names)}
    try:
        with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
            rows = [(place[row["true"]], place[row["predicted"]]) for row in csv.DictReader(file)]
    except (OSError, KeyError, csv.Error):
        return None
    if not rows:
        return None
    table = np.array(rows, dtype=np.int64)
    return table[:, 0], table[:, 1]


def _attack_chart(run: ReportRun, robustness: dict[str, Any]) -> Chart:
    points = [(255 * item["radius"], 100 * item["error"]) for item in robustness["fgsm"]]
    clean = 100 * float(robustness["clean_error"])
    words = ", ".join(f"{error:.1f} at {radius:.3g}/255" for radius, error in points)
    return Chart(
        f"{run.key}-attack",
        "Error under attack (FGSM)",
        f"Percent of test images misclassified: {clean:.1f} without attack, {words}.",
        lambda figure: _draw_attack(figure, points, clean),
    )


def _draw_attack(figure: Figure, points: list[tuple[float, float]], clean: float) -> None:
    axes = figure.subplots()
    both = [(0.0, clean), *sorted(points)]
    axes.plot(*zip(*both, strict=True), marker=MARKERS[0], color=COLOURS[1], label="FGSM")
    axes.set(xlabel="radius, in 1/255 of a pixel's range", ylabel="error, percent", ylim=PERCENT)
    legend_below(figure)
