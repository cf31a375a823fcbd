"""How figures look and how they are written: as SVG on the page, as SVG and PNG files.

On the page a figure takes the page's text colour, so that one drawing serves light and dark; its
series are told apart by colour (Okabe and Ito's palette, safe for colour-blind readers) and by
line style, marker or hatching.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lead.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito, "Color Universal Design", 2008, the light ones darkened so that all have a contrast
# of 3 to 1 on white and on dark; black and yellow left out: each is lost on one of the two.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#C76B9E", "#B07C00", "#3D8FC9")
KNOWN, UNKNOWN = COLOURS[0], COLOURS[1]
LINES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P")
GREY = "#888888"
PERCENT = (-3.0, 103.0)  # of an axis: a line at either end is drawn whole
WIDTH, HEIGHT = 4.4, 3.0  # inches; at phone width the text is still legible
_INK = "#010203"  # stands for the page's text colour until the SVG is put there
_INKED = (
    *("text.color", "axes.labelcolor", "axes.edgecolor", "axes.titlecolor"),
    *("xtick.color", "ytick.color"),
)
_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "genmix-da",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": GREY,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "legend.fontsize": 8,
    # Names of classes and files are text: a dollar sign in one is no formula.
    "text.parse_math": False,
}


@dataclass(frozen=True)
class Chart:
    """A figure that can be drawn at any time.

    Attributes:
        name: of its files, unique on a page: letters, digits and hyphens.
        title: a heading, plain text.
        alt: what it shows in words, for those who cannot see it.
        draw: fills an empty figure.
        size: width and height in inches.
    """

    name: str
    title: str
    alt: str
    draw: Callable[[Figure], None]
    size: tuple[float, float] = (WIDTH, HEIGHT)

    @property
    def wide(self) -> bool:
        """Whether it needs the page's whole width."""
        return self.size[0] > 1.5 * WIDTH


def shown(text: object) -> str:
    """Text that any encoder takes: bytes of file names that are not UTF-8 and controls replaced."""
    clean = str(text).encode("utf-8", "replace").decode()
    # Joiners are no controls: scripts and emoji are spelt with them.
    return "".join(c if c.isprintable() or c in "\n\t\u200c\u200d" else "\ufffd" for c in clean)


def shortened(text: object, limit: int = 24) -> str:
    """`shown`, at most `limit` characters: both ends, since names may begin alike."""
    full = shown(text)
    if len(full) <= limit:
        return full
    tail = (limit - 1) // 3
    return f"{full[: limit - 1 - tail]}…{full[-tail:]}"


@contextmanager
def _drawn(chart: Chart, ink: str) -> Iterator[Figure]:
    import matplotlib
    from matplotlib.figure import Figure

    style: Any = _STYLE | dict.fromkeys(_INKED, ink)  # matplotlib names every key in its types
    with matplotlib.rc_context(style), warnings.catch_warnings():
        # Characters that the PNG's font lacks are boxes there; SVG takes the reader's font.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        warnings.filterwarnings("ignore", message="constrained_layout not applied")
        figure = Figure(figsize=chart.size, layout="constrained")
        chart.draw(figure)
        # Laid out here and once; saving would draw the whole figure a second time for it.
        layout = figure.get_layout_engine()
        if layout is not None:
            layout.execute(figure)
            figure.set_layout_engine("none")
        yield figure


def inline_svg(chart: Chart) -> str:
    """The chart as an <svg> element for a page: text in the page's colour, ids of its own."""
    with _drawn(chart, _INK) as figure:
        buffer = io.StringIO()
        # Without the date, so that the same runs give the same page.
        figure.savefig(buffer, format="svg", dpi=180, transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :].replace(_INK, "currentColor")
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    # Several charts on one page must not share the ids of clip paths and markers.
    text = re.sub(r'\bid="', f'id="{chart.name}-', text)
    text = re.sub(r'(href="#|url\(#)', rf"\1{chart.name}-", text)
    head, rest = text.split(">", 1)
    head = re.sub(r'\s(width|height)="[^"]*"', "", head)
    # As one image: a screen reader reads what it shows and does not spell the axes.
    return f'{head} role="img" aria-label="{escape(shown(chart.alt))}" focusable="false">{rest}'


def write_files(charts: list[Chart], folder: Path) -> list[Path]:
    """NAME.svg and NAME.png of every chart, black on white, as for a paper.

    Args:
        charts: to write.
        folder: made where it is missing.

    Returns:
        The files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for chart in charts:
        with _drawn(chart, "black") as figure:
            for kind in ("svg", "png"):
                path = folder / f"{chart.name}.{kind}"
                metadata = {"Date": None} if kind == "svg" else None
                save = partial(figure.savefig, format=kind, dpi=200, metadata=metadata)
                write_atomically(path, save)
                written.append(path)
    return written


def filled(colour: str, hatch: str = "") -> dict[str, Any]:
    """How bars of one kind are filled: pale, or hatched alone, so that what lies behind shows.

    Not both: an SVG pattern of matplotlib's has an opaque ground of the hatching's colour.
    """
    face = "none" if hatch else (colour, 0.4)
    return {"facecolor": face, "edgecolor": colour, "hatch": hatch, "linewidth": 0.6}


def from_zero(axes: Axes) -> tuple[float, float]:
    """Limits of a vertical axis that holds zero and all that is drawn, none of it at the edge."""
    low, high = axes.dataLim.intervaly
    room = 0.04 * (max(high, 0.0) - min(low, 0.0) or 1.0)
    return min(low, 0.0) - room, max(high, 0.0) + room


def legend_below(figure: Figure, columns: int = 3) -> None:
    """One legend under all panels, where it hides nothing; names that several have once."""
    handles: dict[str, Any] = {}
    for axes in figure.axes:
        drawn, labels = axes.get_legend_handles_labels()
        for handle, label in zip(drawn, labels, strict=True):
            handles.setdefault(label, handle)
    if handles:
        figure.legend(
            list(handles.values()),
            list(handles),
            loc="outside lower center",
            ncols=min(columns, len(handles)),
            handlelength=2.6,
            markerscale=0.75,  # the rings of two lines would touch
        )
