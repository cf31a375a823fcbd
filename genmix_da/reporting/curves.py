"""Learning curves of one run: losses, scores and learning rate over the epochs of both stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from genmix_da.methods import graph_name
from genmix_da.reporting.figures import (
    COLOURS,
    LINES,
    MARKERS,
    PERCENT,
    Chart,
    from_zero,
    legend_below,
)
from genmix_da.reporting.run import ReportRun

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BESIDE = ("known_accuracy", "unknown_accuracy", "auroc", "top5")  # the headline, where it has them
# Drawn in this order, each inside the one before: epochs that are one are all still seen.
MARKS = (("last", "o"), ("selected", "s"), ("oracle", "*"))
_SIDES = {"o": 2.0, "s": 1.4, "*": 1.25}


def run_charts(run: ReportRun) -> list[Chart]:
    """Scores, losses and learning rate of one run; fewer where it has not come that far."""
    charts = []
    scored = any(percents(run, run.metric, graph=graph)[0] for graph in (False, True))
    if len(run.metrics) > 1 and scored:
        charts.append(scores_chart(run))
    if len(run.metrics) > 1 and any(row["losses"] for row in run.metrics):
        charts.append(
            Chart(
                f"{run.key}-losses",
                "Losses of adaptation",
                "Mean loss of each epoch: "
                + ", ".join(
                    f"{name} from {_loss(run, 1, name):.3f} to {_loss(run, -1, name):.3f}"
                    for name in _losses(run)
                )
                + ".",
                lambda figure: _draw_losses(figure, run),
            )
        )
    if run.source_metrics:
        charts.append(training_chart(run.source_metrics, f"{run.key}-source", "Source training"))
    if len(run.metrics) > 1 or run.source_metrics:
        parts = [("source training", run.source_metrics), ("adaptation", run.metrics)]
        charts.append(rate_chart(run, parts))
    return charts


def scores_chart(run: ReportRun) -> Chart:
    """Scores after each epoch that was scored, the epochs of the three columns marked."""
    return Chart(
        f"{run.key}-scores",
        "Scores per epoch",
        f"Scores on the {run.scored_on} after each epoch; {_marks_in_words(run)}"
        f"{_graph_in_words(run)}.",
        lambda figure: _draw_scores(figure, run),
    )


def training_chart(rows: Sequence[dict[str, Any]], name: str, title: str) -> Chart:
    """Loss and accuracy on the training images.

    Args:
        rows: of metrics.jsonl, with loss and accuracy.
        name, title: of the chart.
    """
    last = rows[-1]
    return Chart(
        name,
        title,
        f"{title} ended with loss {last['loss']:.3f} and training accuracy "
        f"{100 * last['accuracy']:.1f} percent.",
        lambda figure: _draw_training(figure, rows),
    )


def rate_chart(
    run: ReportRun,
    parts: Sequence[tuple[str, Sequence[dict[str, Any]]]],
    title: str = "Learning rate of the head",
) -> Chart:
    """Learning rate of the last step of each epoch.

    Args:
        run: whose last, selected and oracle epochs are marked.
        parts: (stage, its rows of metrics.jsonl).
        title: of the chart.
    """
    stages = " and ".join(name for name, rows in parts if rows)
    return Chart(
        f"{run.key}-rate",
        title,
        f"Learning rate of the last step of each epoch of {stages}.",
        lambda figure: _draw_rate(figure, run, parts),
    )


def epoch_axis(run: ReportRun) -> str:
    """Words below an axis of epochs."""
    return "epoch (0: source model)" if run.kind.pairs else "epoch"


def _loss(run: ReportRun, place: int, name: str) -> float:
    return float(run.metrics[place]["losses"].get(name, float("nan")))


def percents(run: ReportRun, metric: str, *, graph: bool = False) -> tuple[list[int], list[float]]:
    """Epochs and percent of the epochs that have the score.

    Args:
        run: whose epochs are meant.
        metric: the score.
        graph: that with the graph step, not the method's own.
    """
    parts = [(row["epoch"], (row.get("graph") or {}) if graph else row) for row in run.metrics]
    pairs = [
        (int(epoch), 100 * float(value))
        for epoch, part in parts
        if (value := (part.get("scores") or {}).get(metric)) is not None
    ]
    return [epoch for epoch, _ in pairs], [value for _, value in pairs]


def marked(run: ReportRun, metric: str) -> list[tuple[str, str, int, float]]:
    """(name, marker, epoch, percent) of last, selected and oracle, where the run has them."""
    scores = run.content.get("scores") or {}
    found = []
    for name, marker in MARKS:
        block: dict[str, Any] = scores.get(name) or {}
        if block.get(metric) is not None and block.get("epoch") is not None:
            found.append((name, marker, int(block["epoch"]), 100 * float(block[metric])))
    return found


def _marks_in_words(run: ReportRun) -> str:
    marks = marked(run, run.metric)
    if not marks:
        return "the run has no scores"
    return ", ".join(
        f"{name} is epoch {epoch} with {value:.1f} percent" for name, _, epoch, value in marks
    )


def _graph_in_words(run: ReportRun) -> str:
    _, values = percents(run, run.metric, graph=True)
    if not values:
        return ""
    return f"; with the graph step {values[0]:.1f} percent at first and {values[-1]:.1f} at last"


def _draw_scores(figure: Figure, run: ReportRun) -> None:
    axes = figure.subplots()
    metric = run.metric
    names = list(dict.fromkeys((metric, *_BESIDE)))
    # In the place of the last one, top-5 accuracy, which no adaptation has.
    curves = [*((*each, False) for each in enumerate(names)), (len(names) - 1, metric, True)]
    for place, name, graph in curves:
        epochs, values = percents(run, name, graph=graph)
        if values:
            label = "accuracy" if run.setting == "pda" else run.kind.metric_names[name]
            axes.plot(
                epochs,
                values,
                linestyle=LINES[place],
                color=COLOURS[place],
                linewidth=2.0 if name == metric else 1.2,
                label=graph_name(label) if graph else label,
            )
    for name, marker, epoch, value in marked(run, metric):
        _mark(axes, epoch, value, name, marker)
    axes.set(xlabel=epoch_axis(run), ylabel="percent", ylim=PERCENT)
    legend_below(figure)


def mark_look(marker: str, colour: str, size: float) -> dict[str, Any]:
    """How one of `MARKS` is drawn: rings, and the innermost filled.

    Args:
        marker: of the three.
        colour: of its curve.
        size: of a usual marker, in points.
    """
    inner = marker == "*"
    return {
        "marker": marker,
        "color": colour,
        "markersize": size * _SIDES[marker],
        "fillstyle": "full" if inner else "none",
        "markeredgewidth": 0.0 if inner else 0.17 * size,
        "linestyle": "none",
        "clip_on": False,  # also whole at the edge of the axes, whose place it does not move
        "in_layout": False,
        "zorder": 3,
    }


def _mark(axes: Axes, epoch: int, value: float, name: str, marker: str) -> None:
    """Mark the epoch of one of the three score columns on a curve."""
    axes.plot(epoch, value, label=name, **mark_look(marker, COLOURS[0], 7.5))


def _mark_rows(axes: Axes, run: ReportRun, values: Mapping[int, float]) -> None:
    """Mark those epochs on a curve.

    Args:
        axes: of the curve.
        run: whose columns are meant.
        values: epoch -> height of the curve.
    """
    for name, marker, epoch, _ in marked(run, run.metric):
        if epoch in values:
            _mark(axes, epoch, values[epoch], name, marker)


def _losses(run: ReportRun) -> list[str]:
    """Names of the method's losses, the total first; empty where it trains nothing."""
    named = next((list(row["losses"]) for row in run.metrics if row.get("losses")), [])
    return sorted(named, key=lambda name: name != "total")


def _draw_losses(figure: Figure, run: ReportRun) -> None:
    axes = figure.subplots()
    rows = [row for row in run.metrics if row.get("losses")]
    for place, name in enumerate(_losses(run)):
        values = [row["losses"].get(name) for row in rows]
        label = name.replace("_", "-")
        epochs = [row["epoch"] for row in rows]
        axes.plot(epochs, values, linestyle=LINES[place % 6], color=COLOURS[place % 6], label=label)
    _mark_rows(axes, run, {row["epoch"]: row["losses"]["total"] for row in rows})
    axes.set(xlabel="epoch", ylabel="mean loss", ylim=from_zero(axes))
    legend_below(figure)


def _draw_training(figure: Figure, rows: Sequence[dict[str, Any]]) -> None:
    axes = figure.subplots()
    epochs = [row["epoch"] for row in rows]
    axes.plot(epochs, [row["loss"] for row in rows], color=COLOURS[0], label="loss")
    axes.set(xlabel="epoch", ylabel="loss", ylim=from_zero(axes))
    right = axes.twinx()
    right.plot(
        epochs,
        [100 * row["accuracy"] for row in rows],
        LINES[1],
        color=COLOURS[1],
        label="training accuracy",
    )
    right.set(ylabel="percent", ylim=PERCENT)
    right.grid(visible=False)
    right.spines["right"].set_visible(True)
    legend_below(figure)


def _draw_rate(
    figure: Figure, run: ReportRun, parts: Sequence[tuple[str, Sequence[dict[str, Any]]]]
) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    axes = figure.subplots()
    for place, (name, rows) in enumerate(parts):
        used = [row for row in rows if row.get("learning_rate")]
        if used:
            axes.plot(
                [row["epoch"] for row in used],
                [row["learning_rate"] for row in used],
                linestyle=LINES[place],
                marker=MARKERS[place],
                markersize=3,
                color=COLOURS[place],
                label=name,
            )
    rates = {row["epoch"]: row["learning_rate"] for row in run.metrics if row["learning_rate"]}
    _mark_rows(axes, run, rates)
    stage = "epoch" if len(parts) == 1 else "epoch of its stage"
    axes.set(xlabel=stage, ylabel="learning rate", yscale="log")
    # The default formatter writes formulas, which figures here do not parse.
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:.2g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    legend_below(figure)
