"""Known against unknown: histograms of the uncertainty, ROC and OSCR curves, decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from genmix_da.evidence import NO_LABEL, Arrays
from genmix_da.report.confusion import confusion_chart
from genmix_da.report.figures import (
    COLOURS,
    GREY,
    KNOWN,
    LINES,
    UNKNOWN,
    Chart,
    filled,
    legend_below,
)
from genmix_da.report.run import ReportRun
from lead.scores import auroc, oscr, oscr_curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STAGES = (("before", "source model"), ("after", "after adaptation"))


def labelled(arrays: Arrays | None) -> bool:
    """Whether an evaluation has target labels."""
    return arrays is not None and bool((arrays["label"] != NO_LABEL).all())


def evaluations(run: ReportRun) -> list[tuple[str, Arrays]]:
    """(what it is of, arrays) of the evaluations that the run has left."""
    return [(title, run.evidence[name]) for name, title in STAGES if name in run.evidence]


def charts(run: ReportRun) -> list[Chart]:
    """Uncertainty histograms, ROC and OSCR; the confusion matrix. Fewer without labels."""
    found = evaluations(run)
    if not found:
        return []
    class_count = len(run.class_names) - 1
    threshold = run.threshold
    result = [
        Chart(
            f"{run.key}-uncertainty",
            "Uncertainty of target images"
            + ("" if threshold is None else " and the rejection threshold"),
            _uncertainty_in_words(found, threshold, class_count),
            lambda figure: _draw_uncertainty(figure, found, threshold, class_count),
            (4.4, 1.9 * len(found) + 0.9),
        )
    ]
    if run.setting != "pda" and all(labelled(arrays) for _, arrays in found):
        areas = [_areas(arrays, class_count) for _, arrays in found]
        if all(area is not None for pair in areas for area in pair):
            words = "; ".join(
                f"{title}: AUROC {100 * (a or 0):.1f}, OSCR {100 * (b or 0):.1f} percent"
                for (title, _), (a, b) in zip(found, areas, strict=True)
            )
            result += [
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
    last = found[-1][1]
    if labelled(last):
        result.append(
            confusion_chart(
                f"{run.key}-confusion",
                found[-1][0],
                last["label"].astype(np.int64),
                decisions(run, last),
                run.class_names,
                unknown=True,
            )
        )
    return result


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


def _uncertainty_in_words(
    found: list[tuple[str, Arrays]], threshold: float | None, class_count: int
) -> str:
    words = []
    for title, arrays in found:
        for name, values in _groups(arrays, class_count):
            if threshold is None:
                words.append(f"{title}, {name}: median {np.median(values):.2f}")
            else:
                above = 100 * float((values > threshold).mean())
                words.append(f"{title}, {name}: {above:.1f} percent above the threshold")
    limit = "nothing is rejected" if threshold is None else f"rejected above {threshold}"
    return f"Normalised entropy, {limit}. {'; '.join(words)}."


def _draw_uncertainty(
    figure: Figure, found: list[tuple[str, Arrays]], threshold: float | None, class_count: int
) -> None:
    lines = figure.subplots(len(found), 1, sharex=True, squeeze=False)[:, 0]
    bins = np.linspace(0.0, 1.0, 41).tolist()
    for axes, (title, arrays) in zip(lines, found, strict=True):
        groups = _groups(arrays, class_count)
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
        if threshold is not None:
            axes.axvline(threshold, color=GREY, linestyle="--", label=f"threshold {threshold:g}")
        axes.set(title=title, ylabel="images")
    lines[-1].set_xlabel("uncertainty (normalised entropy)")
    legend_below(figure)


def _square(axes: Axes, x: str, y: str) -> None:
    axes.set(xlabel=x, ylabel=y, xlim=(0, 1), ylim=(0, 1.02), aspect="equal")
    axes.legend(loc="lower right")


def _draw_roc(axes: Axes, found: list[tuple[str, Arrays]], class_count: int) -> None:
    from sklearn.metrics import roc_curve

    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8)
    for place, (title, arrays) in enumerate(found):
        unknown, _ = _split(arrays, class_count)
        wrong, right, _ = roc_curve(unknown, arrays["uncertainty"])
        area = auroc(arrays["uncertainty"], unknown) or 0.0
        label = f"{title} ({100 * area:.1f})"
        axes.plot(wrong, right, linestyle=LINES[place], color=COLOURS[place], label=label)
    _square(axes, "known images rejected", "unknown images rejected")


def _draw_oscr(axes: Axes, found: list[tuple[str, Arrays]], class_count: int) -> None:
    for place, (title, arrays) in enumerate(found):
        unknown, right = _split(arrays, class_count)
        curve = oscr_curve(arrays["uncertainty"], right, unknown)
        if curve is None:
            continue  # `charts` asks for both kinds of images
        area = oscr(arrays["uncertainty"], right, unknown) or 0.0
        label = f"{title} ({100 * area:.1f})"
        axes.plot(*curve, linestyle=LINES[place], color=COLOURS[place], label=label)
    _square(axes, "unknown images accepted", "known images accepted and right")


def decisions(run: ReportRun, arrays: Arrays) -> NDArray[np.int64]:
    """[N] class numbers; C where an image is rejected as unknown."""
    decided: NDArray[np.int64] = arrays["prediction"].astype(np.int64)
    if run.threshold is None:
        return decided
    limit = np.float32(run.threshold)  # compared as the scores do
    return np.where(arrays["uncertainty"] > limit, len(run.class_names) - 1, decided)
