"""LEAD's own view: lengths in the unknown space, decision boundaries, the search for C_t.

LEAD, CVPR 2024, Sec. 3.3: a sample is pseudo-labelled unknown where its length in the unknown space
reaches a boundary between its class's prior and the high mean of a two-component mixture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genmix_da.adaptation.evidence import Arrays
from genmix_da.reporting.evaluations import labelled
from genmix_da.reporting.figures import (
    COLOURS,
    GREY,
    KNOWN,
    LINES,
    MARKERS,
    PERCENT,
    UNKNOWN,
    Chart,
    filled,
    legend_below,
    shortened,
)
from genmix_da.reporting.run import ReportRun

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_PRIORS = 60


def charts(run: ReportRun) -> list[Chart]:
    """Boundaries in the first and the last epoch, silhouettes, share called unknown."""
    result = []
    found: list[tuple[str, Arrays]] = [
        (name, run.evidence[name])
        for name in ("boundary_first", "boundary_last")
        if name in run.evidence
    ]
    if found:
        result.append(
            Chart(
                f"{run.key}-norms",
                "Length in the unknown space, mixture means and boundaries",
                _norms_in_words(found),
                lambda figure: _draw_norms(figure, run, found),
                (4.4, 1.9 * len(found) + 1.1),
            )
        )
        result.append(
            Chart(
                f"{run.key}-priors",
                "Class priors and boundaries (images nearest to the class)",
                _priors_in_words(run, found[-1][1]),
                lambda figure: _draw_priors(figure, run, found[-1][1]),
                _priors_size(len(run.class_names) - 1),
            )
        )
    rows = [row for row in run.metrics if row.get("silhouettes")]
    if rows:
        result.append(
            Chart(
                f"{run.key}-silhouettes",
                "Search for C_t: silhouette of each candidate",
                "; ".join(f"epoch {row['epoch']}: C_t = {row['cluster_count']}" for row in rows)
                + ".",
                lambda figure: _draw_silhouettes(figure, run),
            )
        )
    shares = [row for row in run.metrics if row.get("unknown_share") is not None]
    if shares:
        first, last = shares[0]["unknown_share"], shares[-1]["unknown_share"]
        result.append(
            Chart(
                f"{run.key}-share",
                "Share of target images pseudo-labelled unknown",
                f"From {100 * first:.1f} percent in the first epoch to {100 * last:.1f} in the "
                f"last{_true_share_in_words(run)}.",
                lambda figure: _draw_share(figure, run),
            )
        )
    return result


def _norms_in_words(found: list[tuple[str, Arrays]]) -> str:
    return " ".join(
        f"Epoch {int(b['epoch'])}: mixture means {b['mixture_means'][0]:.3f} and "
        f"{b['mixture_means'][1]:.3f}, median boundary {np.median(b['own_threshold']):.3f}, "
        f"{100 * b['is_unknown'].mean():.1f} percent called unknown."
        for _, b in found
    )


def _draw_norms(figure: Figure, run: ReportRun, found: list[tuple[str, Arrays]]) -> None:
    lines = figure.subplots(len(found), 1, sharex=True, squeeze=False)[:, 0]
    everything = np.concatenate([boundary["unknown_norm"] for _, boundary in found])
    low, high = float(everything.min()), float(everything.max())
    bins = np.linspace(low, max(high, low + 1e-6), 41).tolist()
    truth = run.evidence.get("before")
    for axes, (_, boundary) in zip(lines, found, strict=True):
        norms = boundary["unknown_norm"]
        groups = [("all images", norms)]
        if truth is not None and labelled(truth):
            unknown = truth["label"] == len(run.class_names) - 1
            groups = [("known", norms[~unknown]), ("unknown", norms[unknown])]
        for (name, values), colour, hatch in zip(
            groups, (KNOWN, UNKNOWN), ("", "///"), strict=False
        ):
            if len(values):
                axes.hist(
                    values,
                    bins=bins,
                    **filled(colour, hatch),
                    label=name,
                )
        for mean, style, which in zip(
            boundary["mixture_means"], (":", "-."), ("low", "high"), strict=True
        ):
            axes.axvline(float(mean), color=GREY, linestyle=style, label=f"{which} mixture mean")
        own = boundary["own_threshold"]
        axes.axvspan(
            float(np.quantile(own, 0.05)),
            float(np.quantile(own, 0.95)),
            color=COLOURS[2],
            alpha=0.2,
            label="boundaries, 5 to 95 %",
        )
        axes.axvline(
            float(np.median(own)), color=COLOURS[2], linewidth=1.5, label="median boundary"
        )
        axes.set(title=f"epoch {int(boundary['epoch'])}", ylabel="images")
    lines[-1].set_xlabel("length in the unknown space")
    legend_below(figure, 2)


def _priors_size(class_count: int) -> tuple[float, float]:
    return 4.4, max(2.4, 1.3 + 0.17 * min(class_count, _MOST_PRIORS))


def _boundaries(boundary: Arrays) -> list[tuple[int, float, float, float]]:
    """(class, prior, median boundary of the images nearest to it, their number), by prior."""
    rows = []
    for number, prior in enumerate(boundary["class_prior"]):
        mine = boundary["own_threshold"][boundary["nearest_class"] == number]
        rows.append(
            (number, float(prior), float(np.median(mine)) if len(mine) else np.nan, len(mine))
        )
    return sorted(rows, key=lambda row: row[1])


def _priors_in_words(run: ReportRun, boundary: Arrays) -> str:
    rows, names = _boundaries(boundary), run.class_names
    low, high = rows[0], rows[-1]
    return (
        f"Mean length in the unknown space of each class's most certain images in epoch "
        f"{int(boundary['epoch'])}: lowest {names[low[0]]} ({low[1]:.3f}), highest "
        f"{names[high[0]]} ({high[1]:.3f}); high mixture mean {boundary['mixture_means'][1]:.3f}."
    )


def _draw_priors(figure: Figure, run: ReportRun, boundary: Arrays) -> None:
    axes = figure.subplots()
    rows = _boundaries(boundary)
    left_out = len(rows) - _MOST_PRIORS
    if left_out > 0:  # both ends are what one looks for
        rows = rows[: _MOST_PRIORS // 2] + rows[-_MOST_PRIORS // 2 :]
        axes.set_title(f"lowest and highest; {left_out} classes between them not shown")
    places = range(len(rows))
    axes.plot([row[1] for row in rows], places, MARKERS[0], color=COLOURS[0], label="class prior")
    axes.plot(
        [row[2] for row in rows],
        places,
        MARKERS[3],
        color=COLOURS[2],
        fillstyle="none",
        label="median boundary",
    )
    mean = float(boundary["mixture_means"][1])
    axes.axvline(mean, color=GREY, linestyle="-.", label="high mixture mean")
    names = [f"{shortened(run.class_names[row[0]], 18)} ({row[3]})" for row in rows]
    axes.set_yticks(list(places), names)
    axes.set_ylim(-0.7, len(rows) - 0.3)  # the outermost markers are whole
    axes.margins(x=0.08)
    axes.set_xlabel(f"length in the unknown space, epoch {int(boundary['epoch'])}")
    legend_below(figure, 2)


def _draw_silhouettes(figure: Figure, run: ReportRun) -> None:
    axes = figure.subplots()
    rows = [row for row in run.metrics if row.get("silhouettes")]
    for place, row in enumerate(rows):
        points = [
            (count, value)
            for count, value in zip(row["cluster_counts"], row["silhouettes"], strict=True)
            if value is not None
        ]
        axes.plot(
            [count for count, _ in points],
            [value for _, value in points],
            linestyle=LINES[place % len(LINES)],
            marker=MARKERS[place % len(MARKERS)],
            markersize=4,
            color=COLOURS[place % len(COLOURS)],
            label=f"epoch {row['epoch']}: C_t = {row['cluster_count']}",
        )
    classes = len(run.class_names) - 1
    axes.axvline(classes, color=GREY, linestyle=":", label=f"source classes: {classes}")
    axes.set(xlabel="clusters tried", ylabel="silhouette")
    legend_below(figure, 2)


def _true_share(run: ReportRun) -> float | None:
    images = run.content.get("images") or {}
    if images.get("target_unknown") is None or not images.get("target"):
        return None
    return float(images["target_unknown"] / images["target"])


def _true_share_in_words(run: ReportRun) -> str:
    share = _true_share(run)
    return "" if share is None else f"; truly unknown are {100 * share:.1f} percent"


def _draw_share(figure: Figure, run: ReportRun) -> None:
    axes = figure.subplots()
    rows = [row for row in run.metrics if row.get("unknown_share") is not None]
    epochs = [row["epoch"] for row in rows]
    shares = [100 * row["unknown_share"] for row in rows]
    axes.plot(
        epochs, shares, marker=MARKERS[0], markersize=3, color=UNKNOWN, label="called unknown"
    )
    share = _true_share(run)
    if share is not None:
        axes.axhline(100 * share, color=GREY, linestyle="--", label="truly unknown")
    axes.set(xlabel="epoch", ylabel="percent of target images", ylim=PERCENT)
    legend_below(figure, 2)
