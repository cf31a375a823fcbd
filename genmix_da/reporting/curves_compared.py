"""Learning curves of several runs: of one pair in one chart, of a table in many panels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from genmix_da.reporting.curves import MARKS, epoch_axis, mark_look, marked, percents
from genmix_da.reporting.figures import (
    COLOURS,
    GREY,
    LINES,
    PERCENT,
    Chart,
    legend_below,
    shortened,
)
from genmix_da.reporting.run import ReportRun
from genmix_da.reporting.tables import SplitTables

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def charts(tables: SplitTables) -> list[Chart]:
    """Headline curves of all pairs in one chart, or of each pair that several runs share."""
    whole = overview(tables)
    if whole is not None:
        return [whole]
    places: dict[tuple[str, ...], list[ReportRun]] = {}
    for run in tables.runs:
        if _has_curve(run):
            places.setdefault(run.place, []).append(run)
    return [
        comparison(
            runs,
            f"comparison-{tables.name}-{number}",
            f"{tables.title}, {' to '.join(place)}: {runs[0].metric_name} per epoch",
        )
        for number, (place, runs) in enumerate(places.items(), start=1)
        if len(runs) > 1
    ]


def _has_curve(run: ReportRun) -> bool:
    """Whether there are epochs to compare: of a pre-training only the last one is probed."""
    return len(run.metrics) > 1 and bool(percents(run, run.metric)[0])


def comparison(runs: Sequence[ReportRun], name: str, title: str) -> Chart:
    """The headline score of several runs of one pair over the epochs.

    Args:
        runs: of one pair and setting, with epochs.
        name: of the chart.
        title: of the chart.
    """
    metric = runs[0].metric
    ends = [
        f"{run.method} seed {run.content['seed']} ends at {100 * value:.1f}"
        for run in runs
        if (value := run.headline) is not None
    ]
    return Chart(
        name,
        title,
        f"{runs[0].metric_name} in percent after each epoch: {'; '.join(ends)}.",
        lambda figure: _draw_comparison(figure, runs, metric),
    )


def _draw_comparison(figure: Figure, runs: Sequence[ReportRun], metric: str) -> None:
    axes = figure.subplots()
    methods = list(dict.fromkeys(run.method for run in runs))
    named = set()
    for run in runs:
        method = run.method
        place = methods.index(method)
        epochs, values = percents(run, metric)
        line, colour = _look(place)
        label = None if method in named else shortened(method, 32)
        named.add(method)
        axes.plot(epochs, values, linestyle=line, color=colour, label=label)
        for _, marker, epoch, value in marked(run, metric):
            axes.plot(epoch, value, **mark_look(marker, colour, 6.0))
    for name, marker in MARKS:
        axes.plot([], [], label=name, **mark_look(marker, GREY, 6.0))
    label = "accuracy" if metric == "known_accuracy" else runs[0].metric_name
    axes.set(xlabel=epoch_axis(runs[0]), ylabel=f"{label}, percent", ylim=PERCENT)
    legend_below(figure, 2)


def _look(place: int) -> tuple[Any, str]:
    """Line style and colour of the method at a place: no two of the first 36 are alike."""
    style = LINES[(place + place // len(COLOURS)) % len(LINES)]
    return style, COLOURS[place % len(COLOURS)]


def overview(tables: SplitTables) -> Chart | None:
    """Headline curves of a whole table: one panel a pair, one colour a method.

    Args:
        tables: of which the runs with epochs are drawn.

    Returns:
        None with fewer than two pairs that have curves.
    """
    chosen = [run for run in tables.runs if _has_curve(run)]
    pairs = list(dict.fromkeys(run.place for run in chosen))
    if len(pairs) < 2:
        return None
    columns = min(len(pairs), 4)
    lines = -(-len(pairs) // columns)
    metric, name = chosen[0].metric, chosen[0].metric_name
    return Chart(
        f"curves-{tables.name}",
        f"{tables.title}: {name} per epoch",
        f"{name} in percent over the epochs, one panel for each of "
        f"{len(pairs)} {chosen[0].kind.columns}.",
        lambda figure: _draw_overview(figure, chosen, pairs, columns, metric),
        (8.8, 1.9 * lines + 0.6),
    )


def _draw_overview(
    figure: Figure,
    runs: Sequence[ReportRun],
    pairs: Sequence[tuple[str, ...]],
    columns: int,
    metric: str,
) -> None:
    methods = list(dict.fromkeys(run.method for run in runs))
    lines = -(-len(pairs) // columns)
    grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    for axes in grid.flat[len(pairs) :]:
        axes.set_axis_off()
    for axes, pair in zip(grid.flat, pairs, strict=False):
        axes.set_title(" to ".join(shortened(name, 14) for name in pair))
        for run in runs:
            if run.place == pair:
                place = methods.index(run.method)
                epochs, values = percents(run, metric)
                style, colour = _look(place)
                axes.plot(epochs, values, linestyle=style, color=colour, linewidth=1.2)
                for _, marker, epoch, value in marked(run, metric):
                    axes.plot(epoch, value, **mark_look(marker, colour, 4.5))
        axes.set_ylim(PERCENT)
    for axes in grid[-1]:
        axes.set_xlabel("epoch")
    for axes in grid[:, 0]:
        axes.set_ylabel("percent")
    for name, marker in MARKS:
        grid.flat[0].plot([], [], label=name, **mark_look(marker, GREY, 4.5))
    for place, method in enumerate(methods):
        style, colour = _look(place)
        grid.flat[0].plot([], [], label=shortened(method, 32), linestyle=style, color=colour)
    legend_below(figure)
