"""What `editors compare` leaves: numbers as JSON and CSV, a sheet of pictures, a plot of speed."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from genmix_da.augment.compare_measures import Sample
from genmix_da.augment.editors.base import Pixels
from genmix_da.augment.sheets import tile, write_sheet
from lead.files import write_atomically

RECORD, TABLE, SHEET, PLOT = "compare.json", "compare.csv", "compare.png", "speed.png"
COLUMNS = (
    *("name", "images_per_second", "speed", "similarity", "similarity_to_reference", "kept"),
    *("pixel_difference", "psnr_db", "failed", "seconds", "batch"),
)

_SIDE = 160  # of a picture of the sheet
_GAP = 6  # between pictures
_LETTERS = 34  # of a caption of that width, about
_ROWS = 12  # of the sheet: more cannot be looked at
_FONT, _SCALE, _LINE = cv2.FONT_HERSHEY_SIMPLEX, 0.4, 16
_BLUE, _RED = "#4477aa", "#cc3311"
_LABEL, _NEAR = 8, 4  # points; offsets of a name that need no line to its point
_TIE = {"arrowstyle": "-", "color": "#999999", "linewidth": 0.6, "shrinkA": 0, "shrinkB": 4}


def write_comparison(
    out: Path,
    result: dict[str, Any],
    samples: Sequence[Sample],
    edits: Sequence[Sequence[Pixels | None]],
) -> None:
    """Write the four files of a comparison.

    Args:
        out: an existing folder.
        result: what `compare_editors` returns.
        samples: originals.
        edits: of each variant, one a sample; None where it failed.
    """
    text = json.dumps(result, indent=2, allow_nan=False) + "\n"
    write_atomically(out / RECORD, lambda file: file.write_text(text))
    write_atomically(out / TABLE, lambda file: _write_table(file, result["variants"]))
    _write_pictures(out / SHEET, result, samples, edits)
    _write_plot(out / PLOT, result["variants"])


def _write_table(file: Path, variants: Sequence[dict[str, Any]]) -> None:
    """A line a variant; what is not defined is empty."""
    with file.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, COLUMNS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(variants)


def _write_pictures(
    path: Path,
    result: dict[str, Any],
    samples: Sequence[Sample],
    edits: Sequence[Sequence[Pixels | None]],
) -> None:
    """A row an image: original, reference, each variant; what it differs by below each."""
    names = [variant["name"] for variant in result["variants"]]
    heads = ["original", f"reference: {names[0]}", *names[1:]]
    lines = [_wrapped(head) for head in heads]
    depth = max(len(line) for line in lines)
    rows = [[_head(line, depth) for line in lines]]
    count = len(samples)
    for number, sample in enumerate(samples[:_ROWS]):
        row = [tile(sample.pixels, _shortened(sample.label, sample.style.name), _SIDE)]
        for place, of_variant in enumerate(edits):
            found, edit = result["edits"][place * count + number], of_variant[number]
            if edit is None:
                grey = np.full_like(sample.pixels, 225)
                row.append(tile(grey, f"failed: {found['problem']}", _SIDE))
            else:
                row.append(tile(edit, _caption(found, is_reference=place == 0), _SIDE))
        rows.append(row)
    write_sheet(path, [[_spaced(picture) for picture in row] for row in rows])


def _caption(row: dict[str, Any], *, is_reference: bool) -> str:
    """Short enough for a tile."""
    parts = []
    if row["pixel_difference"] is not None and not is_reference:
        parts.append(f"diff {row['pixel_difference']:.1f}")
    if row["similarity"] is not None:
        parts.append(f"cos {row['similarity']:.2f}")
    return "  ".join(parts) + (" dropped" if row["kept"] is False else "")


def _shortened(label: str, style: str) -> str:
    """Class and style; of a long class only the beginning, so that the style is not cut off."""
    room = max(_LETTERS - len(style) - 2, 4)
    return f"{label if len(label) <= room else label[: room - 2] + '..'}, {style}"


def _spaced(picture: Pixels) -> Pixels:
    """With a white gap at the right: edits fill their tiles."""
    return np.pad(picture, ((0, 0), (0, _GAP), (0, 0)), constant_values=255)


def _width(text: str) -> int:
    return int(cv2.getTextSize(text, _FONT, _SCALE, 1)[0][0])


def _wrapped(text: str) -> list[str]:
    """A heading in lines as wide as a tile, broken after "/" or space where that suffices."""
    lines = [""]
    for piece in text.replace("/", "/\0").replace(" ", " \0").split("\0"):
        if lines[-1] and _width(lines[-1] + piece.rstrip()) > _SIDE - 6:
            lines.append("")
        for letter in piece:
            if _width(lines[-1] + letter) > _SIDE - 6:
                lines.append("")
            lines[-1] += letter
    return [line.rstrip() for line in lines]


def _head(lines: Sequence[str], depth: int) -> Pixels:
    """A heading on white: [depth * 16 + 6, side, 3]."""
    head = np.full((depth * _LINE + 6, _SIDE, 3), 255, dtype=np.uint8)
    for number, line in enumerate(lines):
        text = line.encode("ascii", "replace").decode()
        place = (2, (depth - len(lines) + number + 1) * _LINE - 2)
        cv2.putText(head, text, place, _FONT, _SCALE, (0, 0, 0), 1, cv2.LINE_AA)
    return head


def _write_plot(path: Path, variants: Sequence[dict[str, Any]]) -> None:
    """Images a second against the difference from the reference, and against the similarity."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    wanted = [("pixel_difference", "difference from the reference (levels of 255)")]
    if any(variant["similarity_to_reference"] is not None for variant in variants):
        wanted.append(("similarity_to_reference", "cosine with the edit of the reference"))
    figure = Figure(figsize=(6.4 * len(wanted), 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    panels = list(zip(figure.subplots(1, len(wanted), squeeze=False)[0], wanted, strict=True))
    for axes, (key, label) in panels:
        axes.set(xlabel="images a second", ylabel=label)
        _scatter(axes, variants, key)
    for axes, (key, _) in panels:  # when nothing moves any more
        named = [(v["images_per_second"], v[key], v["name"]) for v in variants]
        label_points(axes, [point for point in named if point[1] is not None])
    write_atomically(path, lambda file: figure.savefig(file, format="png", dpi=110))


def _scatter(axes: Any, variants: Sequence[dict[str, Any]], key: str) -> None:
    """Points over a logarithmic axis of speed; the reference, which is the first, is a red star."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    axes.set_xscale("log")
    axes.grid(visible=True, color="#e5e5e5", linewidth=0.6)
    axes.set_axisbelow(True)
    for number, variant in enumerate(variants):
        look = {"s": 34, "color": _BLUE} if number else {"s": 110, "color": _RED, "marker": "*"}
        if variant[key] is not None:
            axes.scatter(variant["images_per_second"], variant[key], **look, zorder=3)
    rates = [variant["images_per_second"] for variant in variants]
    # Room for names, and wide enough that a tick of 1, 2 or 5 falls inside.
    axes.set_xlim(min(rates) / 1.8, max(rates) * 1.8)
    axes.margins(y=0.18)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def label_points(
    axes: Any,
    points: Sequence[tuple[float, float, str]],
    lines: Sequence[tuple[float, float, float, float]] = (),
) -> None:
    """Write each point's name where it covers neither another name nor a point nor a line.

    Args:
        axes: drawn but for the names.
        points: (x, y, name).
        lines: (x, y, x, y) of both ends, level or upright: error bars.
    """
    figure = axes.figure
    figure.draw_without_rendering()  # places are known in pixels only then
    frame = axes.get_window_extent()
    spots = [axes.transData.transform((x, y)) for x, y, _ in points]
    taken = [(across - 6, up - 6, across + 6, up + 6) for across, up in spots]
    for line in lines:
        (left, low), (right, high) = (axes.transData.transform(end) for end in (line[:2], line[2:]))
        taken.append((left - 2, low - 2, right + 2, high + 2))
    for (across, up), (x, y, name) in zip(spots, points, strict=True):
        trial = figure.text(0, 0, name, fontsize=_LABEL)
        size = trial.get_window_extent()
        trial.remove()
        choices = []
        for rank, (dx, dy) in enumerate(_offsets(size.width, size.height)):
            left, low = across + dx - size.width / 2, up + dy - size.height / 2
            box = (left - 1, low - 1, left + size.width + 1, low + size.height + 1)
            hidden = sum(_overlap(box, other) for other in taken)
            outside = (box[2] - box[0]) * (box[3] - box[1]) - _overlap(box, frame.extents)
            choices.append((hidden + outside, rank, dx, dy, box))
        _, rank, dx, dy, box = min(choices)
        taken.append(box)
        text = axes.annotate(
            name,
            (x, y),
            xytext=(dx * 72 / figure.dpi, dy * 72 / figure.dpi),
            textcoords="offset points",
            fontsize=_LABEL,
            ha="center",
            va="center",
            # Far from its point a name is tied to it.
            arrowprops=_TIE if rank >= _NEAR else None,
            zorder=4,
        )
        text.set_in_layout(False)  # or the axes would shrink to make room for it


def _offsets(width: float, height: float) -> list[tuple[float, float]]:
    """Where the middle of a name may be, in pixels from its point; the best places first."""
    beside, above = width / 2 + 9, height / 2 + 8
    near = [(beside, 0.0), (-beside, 0.0), (0.0, above), (0.0, -above)]
    far = [
        (sideways * beside, upwards * (above + step * height))
        for step in range(12)
        for upwards in (1, -1)
        for sideways in (1, -1, 0)
    ]
    return near + far


def _overlap(first: Sequence[float], second: Sequence[float]) -> float:
    """Area that two boxes (left, low, right, high) share."""
    across = min(first[2], second[2]) - max(first[0], second[0])
    up = min(first[3], second[3]) - max(first[1], second[1])
    return max(across, 0.0) * max(up, 0.0)
