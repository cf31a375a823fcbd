"""Known against unknown: histograms of the uncertainty, ROC and OSCR curves, decisions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genmix_da.adaptation.evidence import Arrays
from genmix_da.reporting.confusion import confusion_chart
from genmix_da.reporting.evaluations import Evaluation, evaluations, graph_evaluation, labelled
from genmix_da.reporting.figures import (
    COLOURS,
    GREY,
    KNOWN,
    LINES,
    UNKNOWN,
    Chart,
    filled,
    legend_below,
)
from genmix_da.reporting.run import ReportRun
from lead.scores import auroc, oscr, oscr_curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def charts(run: ReportRun) -> list[Chart]:
    """Uncertainty histograms, ROC and OSCR; the confusion matrix. Fewer without labels."""
    found = evaluations(run)
    if not found:
        return []
    result = [uncertainty_chart(f"{run.key}-uncertainty", found, run, run.measure)]
    graph = graph_evaluation(run)
    result += _curve_charts([*found, *([graph] if graph else [])], run)
    return [*result, *decision_charts(f"{run.key}-confusion", found[-1], run)]


def uncertainty_chart(
    name: str, found: Sequence[Evaluation], run: ReportRun, measure: str = "normalised entropy"
) -> Chart:
    """Histograms of the uncertainty of known and unknown images, one panel an evaluation.

    Args:
        name: of the chart.
        found: what to draw.
        run: that it is of.
        measure: what the uncertainty is, in words.
    """
    class_count = len(run.class_names) - 1
    return Chart(
        name,
        "Uncertainty of target images"
        + ("" if run.limit is None else " and the rejection threshold"),
        _uncertainty_in_words(found, class_count, measure),
        lambda figure: _draw_uncertainty(figure, found, class_count, measure),
        (4.4, 1.9 * len(found) + 0.9),
    )


def decision_charts(name: str, evaluation: Evaluation, run: ReportRun) -> list[Chart]:
    """The confusion matrix of an evaluation; none without labels."""
    if not evaluation.labelled:
        return []
    names = run.class_names
    labels = evaluation.arrays["label"].astype(np.int64)
    decided = evaluation.decisions(len(names) - 1)
    return [confusion_chart(name, evaluation.title, labels, decided, names, unknown=True)]


def _curve_charts(found: Sequence[Evaluation], run: ReportRun) -> list[Chart]:
    """ROC and OSCR, one curve an evaluation; none without labels or where nothing is unknown."""
    class_count = len(run.class_names) - 1
    if run.setting == "pda" or not all(each.labelled for each in found):
        return []
    areas = [_areas(each.arrays, class_count) for each in found]
    if any(area is None for pair in areas for area in pair):
        return []
    words = "; ".join(
        f"{each.title}: AUROC {100 * (a or 0):.1f}, OSCR {100 * (b or 0):.1f} percent"
        for each, (a, b) in zip(found, areas, strict=True)
    )
    return [
        Chart(
            f"{run.key}-roc",
            "ROC: unknown images found against known ones rejected",
            f"ROC curve of the uncertainty. {words}.",
            lambda figure: _draw_roc(figure.subplots(), found, class_count),
        ),
        Chart(
            f"{run.key}-oscr",
            "OSCR: known images right against unknown ones accepted",
            f"Open-set classification rate curve. {words}.",
            lambda figure: _draw_oscr(figure.subplots(), found, class_count),
        ),
    ]


def _split(arrays: Arrays, class_count: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """(unknown [N], right [N])."""
    return arrays["label"] == class_count, arrays["prediction"] == arrays["label"]


def _areas(arrays: Arrays, class_count: int) -> tuple[float | None, float | None]:
    unknown, right = _split(arrays, class_count)
    return auroc(arrays["uncertainty"], unknown), oscr(arrays["uncertainty"], right, unknown)


def _groups(arrays: Arrays, class_count: int) -> list[tuple[str, NDArray[Any]]]:
    """(name, uncertainties) of known and unknown images, or of all without labels."""
    values = arrays["uncertainty"]
    if not labelled(arrays):
        return [("all images (no labels)", values)]
    unknown = arrays["label"] == class_count
    parts = (("known", values[~unknown]), ("unknown", values[unknown]))
    return [(name, part) for name, part in parts if len(part)]


def _uncertainty_in_words(found: Sequence[Evaluation], class_count: int, measure: str) -> str:
    words = []
    for each in found:
        for name, values in _groups(each.arrays, class_count):
            if each.limit is None:
                words.append(f"{each.title}, {name}: median {np.median(values):.2f}")
            else:
                above = 100 * float((values > each.limit.number).mean())
                words.append(f"{each.title}, {name}: {above:.1f} percent above the threshold")
    limits = dict.fromkeys(str(each.limit) for each in found if each.limit is not None)
    limit = f"rejected above {' and '.join(limits)}" if limits else "nothing is rejected"
    return f"{measure[:1].upper()}{measure[1:]}, {limit}. {'; '.join(words)}."


def _draw_uncertainty(
    figure: Figure, found: Sequence[Evaluation], class_count: int, measure: str
) -> None:
    lines = figure.subplots(len(found), 1, sharex=True, squeeze=False)[:, 0]
    bins = np.linspace(0.0, 1.0, 41).tolist()
    for axes, each in zip(lines, found, strict=True):
        groups = _groups(each.arrays, class_count)
        for (name, values), colour, hatch in zip(
            groups, (KNOWN, UNKNOWN), ("", "///"), strict=False
        ):
            # Rounding leaves a certain prediction slightly below 0.
            axes.hist(
                np.clip(values, 0.0, 1.0),
                bins=bins,
                **filled(colour, hatch),
                label=f"{name} ({len(values)})",
            )
        title = each.title
        if each.limit is not None:
            label = f"threshold {each.limit}"
            if each.limit.rule:  # one of its own in every panel, and a long name
                title, label = f"{title}: {label}", "threshold"
            axes.axvline(each.limit.number, color=GREY, linestyle="--", label=label)
        axes.set(title=title, ylabel="images")
    lines[-1].set_xlabel(f"uncertainty ({measure})")
    legend_below(figure)


def _square(axes: Axes, x: str, y: str) -> None:
    axes.set(xlabel=x, ylabel=y, xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    axes.legend(loc="lower right")


def _draw_roc(axes: Axes, found: Sequence[Evaluation], class_count: int) -> None:
    from sklearn.metrics import roc_curve

    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8)
    for place, each in enumerate(found):
        arrays = each.arrays
        unknown, _ = _split(arrays, class_count)
        wrong, right, _ = roc_curve(unknown, arrays["uncertainty"])
        area = auroc(arrays["uncertainty"], unknown) or 0.0
        label = f"{each.title} ({100 * area:.1f})"
        axes.plot(wrong, right, linestyle=LINES[place], color=COLOURS[place], label=label)
    _square(axes, "known images rejected", "unknown images rejected")


def _draw_oscr(axes: Axes, found: Sequence[Evaluation], class_count: int) -> None:
    for place, each in enumerate(found):
        arrays = each.arrays
        unknown, right = _split(arrays, class_count)
        curve = oscr_curve(arrays["uncertainty"], right, unknown)
        if curve is None:
            continue  # `charts` asks for both kinds of images
        area = oscr(arrays["uncertainty"], right, unknown) or 0.0
        label = f"{each.title} ({100 * area:.1f})"
        axes.plot(*curve, linestyle=LINES[place], color=COLOURS[place], label=label)
    _square(axes, "unknown images accepted", "known images accepted and right")
