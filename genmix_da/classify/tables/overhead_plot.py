"""Augmentation overhead against accuracy: one panel a data set, every method named at its point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genmix_da.augment.compare_files import label_points
from genmix_da.tables.aggregate import Table
from genmix_da.tables.columns import AVERAGE
from genmix_da.tables.files import write_tables
from genmix_da.tables.kinds import kind_of
from genmix_da.tables.overhead import OVERHEAD
from genmix_da.tables.summary import Summary
from lead.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PLOTS = ("overhead.png", "overhead.svg")
# Of Okabe and Ito, whose colours are told apart in every common kind of colour blindness; shapes
# say the same again.
_PLAIN = {"color": "#777777", "marker": "s"}
_MADE = {"color": "#d55e00", "marker": "D"}
_MIXED = {"color": "#0072b2", "marker": "o"}
_ACROSS = 3  # panels side by side
# Percent from which on an axis of overheads is logarithmic, and up to which it is linear then.
_LONG, _LINEAR = 300.0, 10.0


@dataclass(frozen=True)
class Point:
    """A method on a data set, in percent.

    Attributes:
        method: row of the table.
        overhead, accuracy: means over seeds.
        overhead_sd, accuracy_sd: over seeds; 0 for one seed.
    """

    method: str
    overhead: float
    accuracy: float
    overhead_sd: float
    accuracy_sd: float


def overhead_points(summary: Summary) -> dict[str, list[Point]]:
    """Data set -> its points: methods of which accuracy and overhead are complete.

    The baseline, whose overhead is none, is among them where there is another one.
    """
    tables = {table.metric: table for table in summary.tables if table.block == "last"}
    cost = tables.get(OVERHEAD)
    if cost is None:
        return {}
    headline = next(table for table in tables.values() if table.is_headline)
    base = kind_of(headline.setting).base_of(row.method for row in headline.rows)
    found = {}
    for column in headline.columns:
        points = _points(headline, cost, column, base)
        if column != AVERAGE and any(point.method != base for point in points):
            found[column] = points
    return found


def _points(headline: Table, cost: Table, column: str, base: str | None) -> list[Point]:
    costs = {row.method: row.cells[column] for row in cost.rows}
    points = []
    for row in headline.rows:
        score, spent = row.cells[column], costs.get(row.method)
        overhead = 0.0 if row.method == base else spent.mean if spent else None
        if score.mean is None or overhead is None:
            continue
        sd = (spent.sd if spent else None) or 0.0
        spread = 100 * sd, 100 * (score.sd or 0.0)
        points.append(Point(row.method, 100 * overhead, 100 * score.mean, *spread))
    return points


def plot_size(points: dict[str, list[Point]]) -> tuple[float, float]:
    """Width and height in inches that the plot needs."""
    across = min(len(points), _ACROSS)
    crowd = max(len(found) for found in points.values())
    down = -(-len(points) // across)
    return 5.2 * across + 0.6, (3.6 + 0.14 * crowd) * down + 0.5


def overhead_figure(points: dict[str, list[Point]], notes: Sequence[str] = ()) -> Figure:
    """The plot as a figure of its own; see `draw_overhead`."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=plot_size(points), layout="constrained")
    draw_overhead(figure, points, notes)
    return figure


def draw_overhead(
    figure: Figure, points: dict[str, list[Point]], notes: Sequence[str] = ()
) -> None:
    """The plot.

    Args:
        figure: empty, of `plot_size`.
        points: of `overhead_points`; not empty.
        notes: what nobody may miss, since a figure floats away from its table; below the axes.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure)
    across = min(len(points), _ACROSS)
    panels = list(figure.subplots(-(-len(points) // across), across, squeeze=False).flat)
    for axes, (dataset, found) in zip(panels, points.items(), strict=False):
        _draw(axes, dataset, found)
    for axes in panels[len(points) :]:
        axes.set_axis_off()
    below = ["augmentation overhead AO (%): generating and training, against training without"]
    if any(_bars(point) for found in points.values() for point in found):
        below.append("means over seeds; bars: standard deviation")
    below += [f"{note[0].upper()}{note[1:]}." for note in notes]
    figure.supxlabel("\n".join(below), fontsize=8)
    for axes, found in zip(panels, points.values(), strict=False):  # when nothing moves any more
        names = [(point.overhead, point.accuracy, point.method) for point in found]
        label_points(axes, names, [line for point in found for line in _bars(point)])


def _bars(point: Point) -> list[tuple[float, float, float, float]]:
    """Both ends of the error bars of a point."""
    x, y, dx, dy = point.overhead, point.accuracy, point.overhead_sd, point.accuracy_sd
    level, upright = (x - dx, y, x + dx, y), (x, y - dy, x, y + dy)
    return [*([level] if dx else []), *([upright] if dy else [])]


def _draw(axes: Any, dataset: str, points: list[Point]) -> None:
    axes.grid(visible=True, color="#888888", alpha=0.25, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_title(dataset, fontsize=10)
    axes.set_ylabel("top-1 accuracy (%), last epoch", fontsize=9)
    axes.tick_params(labelsize=8)
    for point in points:
        look = _look(point.method)
        axes.errorbar(
            point.overhead,
            point.accuracy,
            xerr=point.overhead_sd or None,
            yerr=point.accuracy_sd or None,
            markersize=6,
            elinewidth=0.8,
            capsize=2,
            ecolor="#aaaaaa",
            zorder=3,
            **look,
        )
    if max(point.overhead for point in points) > _LONG:
        axes.set_xscale("symlog", linthresh=_LINEAR)
        # The default formatter writes formulas, which the report's figures do not parse.
        axes.xaxis.set_major_formatter("{x:g}")
    axes.margins(x=0.22, y=0.22)  # room for names


def _look(method: str) -> dict[str, str]:
    """Colour and shape: no augmentation, one that makes images, one that does not."""
    if method.partition(" (")[0] == "none":
        return _PLAIN
    return _MADE if "[" in method else _MIXED


def write_overhead_plot(folder: Path, summary: Summary) -> list[Path]:
    """Write overhead.png and overhead.svg; nothing where no overhead is known.

    The same table gives the same bytes.

    Returns:
        The files.
    """
    import matplotlib

    points = overhead_points(summary)
    if not points:
        for name in PLOTS:  # of other runs
            (folder / name).unlink(missing_ok=True)
        return []
    # Names of glyphs in an SVG are random without it.
    with matplotlib.rc_context({"svg.hashsalt": "genmix-da"}):
        figure = overhead_figure(points, summary.marks)
        for name in PLOTS:
            kind = name.rpartition(".")[2]
            data = {"Date": None} if kind == "svg" else {"Software": None}
            save = partial(figure.savefig, format=kind, dpi=150, metadata=data)
            write_atomically(folder / name, save)
    return [folder / name for name in PLOTS]


def write_classify_tables(out: Path, summary: Summary) -> list[Path]:
    """Write them, each replaced as a whole; see `write_tables` and `write_overhead_plot`.

    Args:
        out: folder, made where it is missing.
        summary: what to write.

    Returns:
        The files.
    """
    return write_tables(out, summary) + write_overhead_plot(out, summary)
