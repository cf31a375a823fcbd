"""Many runs in one picture: heat map of pairs and methods, paired differences, cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from genmix_da.reporting.figures import COLOURS, GREY, MARKERS, Chart, legend_below, shortened
from genmix_da.reporting.run import STAGES, ReportRun
from genmix_da.reporting.tables import SplitTables
from genmix_da.tables.aggregate import Table
from genmix_da.tables.columns import AVERAGE
from genmix_da.tables.difference import LEVEL, Difference
from genmix_da.tables.grids import signed
from genmix_da.tables.kinds import kind_of
from genmix_da.tables.summary import Summary
from genmix_da.tables.values import percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_HATCHES = ("", "///", "...", "xxx", "\\\\\\", "++")
_MOST_BARS = 24
_ACROSS = 3  # panels of differences side by side


def charts(tables: SplitTables) -> list[Chart]:
    """Heat map and differences of the headline; of classifications the augmentation overhead."""
    if not tables.runs[0].kind.scored:
        return []
    result = []
    summary = tables.summary
    headline = next(t for t in summary.tables if t.is_headline and t.block == "last")
    if len(headline.columns) > 2:
        result.append(heat_map(headline, tables.name, tables.title))
    found = [d for d in summary.differences if d.block == "last" and d.mean is not None]
    if found and len(found[0].columns) > 1:
        result.append(_differences(found, tables.name, tables.title))
    overhead = _overhead(summary)
    return [*result, *([overhead] if overhead else [])]


def _overhead(summary: Summary) -> Chart | None:
    """Augmentation overhead against accuracy, where the runs are classifications."""
    from genmix_da.classify.tables.overhead_plot import draw_overhead, overhead_points, plot_size

    points = overhead_points(summary)
    if not points:
        return None
    words = "; ".join(
        f"{dataset}: "
        + ", ".join(f"{p.method} {p.accuracy:.1f} at {p.overhead:.0f}" for p in found)
        for dataset, found in points.items()
    )
    return Chart(
        "overhead",
        "Augmentation overhead AO(%) against top-1 accuracy",
        f"Top-1 accuracy in percent at an augmentation overhead in percent. {words}.",
        lambda figure: draw_overhead(figure, points),
        plot_size(points),
    )


def heat_map(table: Table, key: str, title: str) -> Chart:
    """Headline of the last epoch, methods by pairs; empty cells are incomplete.

    Args:
        table: of the headline.
        key, title: see `SplitTables`.
    """
    kind = kind_of(table.setting)
    name, columns = kind.metric_names[table.metric], kind.columns
    averages = [
        f"{row.method} {percent(mean)}"
        for row in table.rows
        if (mean := row.cells[AVERAGE].mean) is not None
    ]
    return Chart(
        f"heat-{key}",
        f"{title}: {name} of the last epoch, percent",
        f"Heat map of {len(table.rows)} methods by {len(table.columns) - 1} {columns} and their "
        f"average; averages: {', '.join(averages) or 'none is complete'}.",
        lambda figure: _draw_heat(figure, table),
        (max(4.4, 2.4 + 0.5 * len(table.columns)), 1.3 + 0.42 * len(table.rows)),
    )


def _draw_heat(figure: Figure, table: Table) -> None:
    axes = figure.subplots()
    values = np.array(
        [
            [np.nan if (m := row.cells[c].mean) is None else 100 * m for c in table.columns]
            for row in table.rows
        ]
    )
    low, high = (
        (float(np.nanmin(values)), float(np.nanmax(values)))
        if np.isfinite(values).any()
        else (0.0, 100.0)
    )
    image = axes.imshow(values, cmap="cividis", vmin=low, vmax=high, aspect="auto")
    axes.set_xticks(
        range(len(table.columns)), [shortened(c, 14) for c in table.columns], rotation=45
    )
    axes.set_yticks(range(len(table.rows)), [shortened(row.method, 32) for row in table.rows])
    axes.grid(visible=False)
    for (row, column), value in np.ndenumerate(values):
        light = np.isfinite(value) and value > low + 0.47 * (high - low)
        axes.text(
            column,
            row,
            "inc." if np.isnan(value) else f"{value:.1f}",
            ha="center",
            va="center",
            fontsize=7.5,
            color="white" if np.isfinite(value) and not light else "black",
        )
    axes.axvline(len(table.columns) - 1.5, color="white", linewidth=3)
    figure.colorbar(image, ax=axes, shrink=0.9).set_label("percent")


def _differences(items: Sequence[Difference], key: str, title: str) -> Chart:
    words = []
    for item in items:
        ends = (
            ""
            if item.low is None or item.high is None
            else f", {100 * LEVEL:.0f} percent interval {signed(item.low)} to {signed(item.high)}"
        )
        words.append(f"{item.method} minus {item.baseline}: {signed(item.mean or 0.0)}{ends}")
    return Chart(
        f"differences-{key}",
        f"{title}: paired differences, percent points",
        f"Difference in each column and their mean. {'; '.join(words)}.",
        lambda figure: _draw_differences(figure, items),
        _differences_size(items),
    )


def _differences_size(items: Sequence[Difference]) -> tuple[float, float]:
    down = -(-len(items) // _ACROSS)
    width = {1: 4.4, 2: 6.8}.get(len(items), 9.2)
    return width, 0.4 + down * (0.9 + 0.2 * (len(items[0].columns) + 1))


def _draw_differences(figure: Figure, items: Sequence[Difference]) -> None:
    """One panel for each comparison, with the same pairs below each other."""
    across = min(len(items), _ACROSS)
    down = -(-len(items) // across)
    grid = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
    for number, (axes, item) in enumerate(zip(grid.flat, items, strict=False)):
        colour = COLOURS[number % len(COLOURS)]
        for place, value in enumerate(item.columns.values()):
            if value is not None:
                axes.plot(100 * value, place, MARKERS[0], color=colour, markersize=5)
        place, mean = len(item.columns), 100 * (item.mean or 0.0)
        if item.low is not None and item.high is not None:
            axes.plot([100 * item.low, 100 * item.high], [place] * 2, color=colour, linewidth=2.5)
        axes.plot(mean, place, MARKERS[3], color=colour, markersize=8)
        axes.axvline(0.0, color=GREY, linewidth=1)
        axes.set_title(
            f"{shortened(item.method, 34)}\nminus {shortened(item.baseline, 34)}", fontsize=8
        )
    first, names = grid.flat[0], [shortened(column, 14) for column in items[0].columns]
    first.set_yticks(range(len(names) + 1), [*names, "mean"])
    first.set_ylim(len(names) + 0.7, -0.7)  # downwards, the outermost markers whole
    for axes in grid.flat[len(items) :]:
        axes.set_axis_off()
    for axes in grid.flat[max(len(items) - across, 0) : len(items)]:
        axes.set_xlabel("percent points")
        axes.tick_params(labelbottom=True)


def cost(runs: Sequence[ReportRun]) -> Chart | None:
    """Seconds per stage: of each run, or the mean of each method where there are many runs."""
    spent = [(run, run.stages) for run in runs if run.done and run.stages]
    if not spent:
        return None
    bars: dict[str, list[Mapping[str, float]]] = {}
    many = len(spent) > _MOST_BARS
    for run, seconds in spent:
        c = run.content
        name = run.method if many else f"{' to '.join(run.place)}, {run.method}"
        if not many and len({r.content["seed"] for r, _ in spent}) > 1:
            name += f", {c['seed']}"
        bars.setdefault(f"{run.kind.title(run.setting)} {name}", []).append(seconds)
    means = {
        name: {key: sum(part.get(key, 0.0) for part in parts) / len(parts) for key in STAGES}
        for name, parts in bars.items()
    }
    total = sum(sum(seconds.values()) for _, seconds in spent)
    return Chart(
        "cost",
        "Seconds per stage" + (", mean of the runs of a method" if many else ""),
        f"{total:.0f} seconds of recorded stages in all; a shared source model's training is in "
        "each run that uses it.",
        lambda figure: _draw_cost(figure, means),
        (7.2, 1.3 + 0.32 * len(means)),
    )


def _draw_cost(figure: Figure, means: Mapping[str, Mapping[str, float]]) -> None:
    axes = figure.subplots()
    names = list(means)
    left = np.zeros(len(names))
    for place, (key, title) in enumerate(STAGES.items()):
        values = np.array([means[name][key] for name in names])
        if values.any():
            axes.barh(
                range(len(names)),
                values,
                left=left,
                color=COLOURS[place % len(COLOURS)],
                # The second round of colours has other hatches than the first.
                hatch=_HATCHES[(place + place // len(COLOURS)) % len(_HATCHES)],
                edgecolor="white",
                linewidth=0.5,
                label=title,
            )
        left += values
    axes.set_yticks(range(len(names)), [shortened(name, 48) for name in names])
    axes.invert_yaxis()
    axes.set_xlabel("seconds")
    axes.grid(axis="y", visible=False)
    legend_below(figure)
