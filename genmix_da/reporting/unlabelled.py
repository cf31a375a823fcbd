"""A target without labels: how it was decided, and its surest and least sure pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from genmix_da.data.pixels import pil_warnings_ignored
from genmix_da.errors import UserError
from genmix_da.methods import graph_name
from genmix_da.reporting.figures import KNOWN, UNKNOWN, Chart, filled, legend_below, shortened
from genmix_da.reporting.neighbours import SIDE, Looked
from genmix_da.reporting.predicted import UNKNOWN as REJECTED
from genmix_da.reporting.predicted import Predicted, read_predictions
from genmix_da.reporting.run import ReportRun
from genmix_da.reporting.target_images import TargetImages
from genmix_da.tables.values import percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PICTURES = 8  # of each row
_MOST_CLASSES = 40
_PATIENCE = 50  # images that are looked for in vain


@dataclass(frozen=True)
class UnlabelledView:
    """What there is to see of a target without labels.

    Attributes:
        facts: (what, in words).
        charts: how many images each class was given.
        pictures: (heading, images), the surest and the least sure.
        note: words on what is missing; "" where nothing is.
    """

    facts: Sequence[tuple[str, str]] = ()
    charts: Sequence[Chart] = ()
    pictures: Sequence[tuple[str, Sequence[Looked]]] = ()
    note: str = ""


def unlabelled_view(run: ReportRun) -> UnlabelledView:
    """Of a finished run whose target has no labels; what is missing is no error."""
    try:
        lines = read_predictions(run.folder / "predictions.csv")
    except UserError as error:
        return UnlabelledView(note=f"No decisions: {error}.")
    if not lines:
        return UnlabelledView(note="predictions.csv names no image.")
    counts = decided(lines)
    pictures, note = _pictures(run, lines)
    return UnlabelledView(_facts(run, lines, counts), [_chart(run, counts)], pictures, note)


def decided(lines: Sequence[Predicted]) -> dict[str, Counter[str]]:
    """ "" for the method alone, and "+graph" where there is the step -> class -> images."""
    found = {"": Counter(line.predicted for line in lines)}
    smoothed = [line.graph_predicted for line in lines if line.graph_predicted is not None]
    return found | ({graph_name(""): Counter(smoothed)} if smoothed else {})


def _facts(
    run: ReportRun, lines: Sequence[Predicted], counts: Mapping[str, Counter[str]]
) -> list[tuple[str, str]]:
    def share(number: int) -> str:
        return f"{number:,} of {len(lines):,} ({percent(number / len(lines))} %)"

    found = [("images", f"{len(lines):,}")]
    for step, count in counts.items():
        classes = len(set(count) - {REJECTED})
        known = share(count.total() - count[REJECTED])
        found.append(
            (f"known{step}", f"{known}, in {classes} of {len(run.class_names) - 1} classes")
        )
        if run.setting != "pda":
            found.append((f"unknown{step}", share(count[REJECTED])))
    unsure = np.array([line.uncertainty for line in lines])
    quarters = " / ".join(f"{value:.2f}" for value in np.quantile(unsure, (0.25, 0.5, 0.75)))
    return [*found, ("uncertainty", f"{quarters} (quartiles)")]


def _chart(run: ReportRun, counts: Mapping[str, Counter[str]]) -> Chart:
    total = sum(counts.values(), Counter[str]())
    names = [name for name, _ in total.most_common() if name != REJECTED][:_MOST_CLASSES]
    left_out = len(set(total) - {REJECTED}) - len(names)
    shown = [*names, *([REJECTED] if total[REJECTED] else [])]
    words = ", ".join(f"{name} {counts[''][name]}" for name in shown)
    more = f"; {left_out} classes with fewer images are not shown" if left_out else ""
    return Chart(
        f"{run.key}-decided",
        "Target images by decision",
        f"Images that the method gave to each class: {words}{more}.",
        lambda figure: _draw(figure, run.method, shown, counts),
        (4.4, 1.4 + 0.2 * len(shown) * len(counts)),
    )


def _draw(
    figure: Figure, method: str, names: Sequence[str], counts: Mapping[str, Counter[str]]
) -> None:
    axes = figure.subplots()
    height = 0.8 / len(counts)
    looks = ((KNOWN, ""), (UNKNOWN, "///"))
    for place, ((step, count), (colour, hatch)) in enumerate(
        zip(counts.items(), looks, strict=False)
    ):
        axes.barh(
            [row + (place - (len(counts) - 1) / 2) * height for row in range(len(names))],
            [count[name] for name in names],
            height=height,
            label=shortened(f"{method}{step}", 32),
            **filled(colour, hatch),
        )
    axes.set_yticks(range(len(names)), [shortened(name, 22) for name in names])
    axes.invert_yaxis()
    axes.set_xlabel("images")
    axes.grid(axis="y", visible=False)
    legend_below(figure)


def _pictures(
    run: ReportRun, lines: Sequence[Predicted]
) -> tuple[list[tuple[str, list[Looked]]], str]:
    """The surest and the least sure images that are there, and a note on those that are not."""
    ordered = sorted(lines, key=lambda line: (line.uncertainty, line.path))
    count = min(PICTURES, len(ordered) // 2)
    images = TargetImages(run.folder, run.content, (line.path for line in lines))
    gone = 0
    rows = []
    for heading, wanted in (("The surest", ordered), ("The least sure", ordered[::-1])):
        found: list[Looked] = []
        missed = 0
        for line in wanted:
            if len(found) == count or missed == _PATIENCE:
                break
            picture = _picture(images, line)
            if picture.picture is None:
                missed += 1
            else:
                found.append(picture)
        gone += missed
        rows.append((heading, found))
    if not any(found for _, found in rows):
        return [], "No pictures: the target images are not where they were."
    note = f"{gone} of the images wanted first are not where they were." if gone else ""
    return rows, note


def _picture(images: TargetImages, line: Predicted) -> Looked:
    from genmix_da.augment.edits import fit

    with pil_warnings_ignored():
        image = images.read(line.path)
    return Looked(line, None if image is None else fit(np.asarray(image), SIDE))
