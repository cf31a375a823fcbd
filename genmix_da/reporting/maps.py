"""Two-dimensional maps of target features before and after adaptation (t-SNE)."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from genmix_da.adaptation.evidence import Arrays
from genmix_da.reporting.evaluations import evaluations, labelled
from genmix_da.reporting.figures import (
    COLOURS,
    GREY,
    KNOWN,
    MARKERS,
    UNKNOWN,
    Chart,
    legend_below,
    shortened,
)
from genmix_da.reporting.run import ReportRun

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURED = 10  # classes told apart by colour and marker; more cannot be
_POINTS = 1000
# Coarser than the map that clusters are searched on: three times as fast, and good to look at.
_ITERATIONS, _ANGLE = 500, 0.8


def charts(run: ReportRun) -> list[Chart]:
    """Maps coloured by class and by known or unknown; of the arg-max class without labels."""
    found = [(each.title, _thinned(each.arrays)) for each in evaluations(run)]
    found = [(title, arrays) for title, arrays in found if has_map(arrays)]
    if not found:
        return []
    layouts = cache(lambda: _layouts([arrays["features"] for _, arrays in found]))
    points = len(found[0][1]["mapped"])
    size = (4.4 * len(found), 4.6)
    words = f"t-SNE map of the features of {points} target images, " + " and ".join(
        title for title, _ in found
    )
    names = run.class_names
    known_is_known = all(labelled(arrays) for _, arrays in found)
    by = "true class" if known_is_known else "predicted class (there are no labels)"
    result = [
        Chart(
            f"{run.key}-map-class",
            f"Target features, coloured by {by}",
            f"{words}, coloured by {by}.",
            lambda figure: _draw(figure, found, layouts(), _by_class(found, names)),
            size,
        )
    ]
    if known_is_known and run.setting != "pda":
        result.append(
            Chart(
                f"{run.key}-map-unknown",
                "Target features, known and unknown",
                f"{words}; images of unknown classes apart from known ones.",
                lambda figure: _draw(figure, found, layouts(), _by_unknown(found, len(names) - 1)),
                size,
            )
        )
    return result


def has_map(arrays: Arrays) -> bool:
    """Whether there is something to map: features that are all alike crash t-SNE."""
    features = arrays["features"]
    return len(features) >= 5 and bool(np.ptp(features.astype(np.float32), axis=0).max() > 1e-3)


def _thinned(arrays: Arrays) -> Arrays:
    """At most as many points as one can tell apart, spread evenly over those that were kept."""
    count = len(arrays["mapped"])
    if count <= _POINTS:
        return arrays
    chosen = np.linspace(0, count - 1, _POINTS).astype(np.int64)
    kept = {name: arrays[name][chosen] for name in ("mapped", "features")}
    return {**arrays, **kept}


def _layouts(features: list[NDArray[np.float16]]) -> list[NDArray[np.float32]]:
    """Points [M, 2] of features [M, D], several side by side."""
    from threadpoolctl import threadpool_limits

    # A thread for each: within one, more would give another map on every run, see lead.clusters.
    with threadpool_limits(1), ThreadPoolExecutor() as pool:
        return list(pool.map(_layout, features))


def _layout(features: NDArray[np.float16]) -> NDArray[np.float32]:
    from sklearn.manifold import TSNE

    perplexity = min(30.0, (len(features) - 1) / 3)
    tsne = TSNE(
        init="pca", random_state=0, perplexity=perplexity, max_iter=_ITERATIONS, angle=_ANGLE
    )
    return np.asarray(tsne.fit_transform(features.astype(np.float32)), dtype=np.float32)


Groups = list[list[tuple[str, str, str, NDArray[np.bool_]]]]
"""For each map: (name, colour, marker, which points)."""


def _by_class(found: list[tuple[str, Arrays]], names: list[str]) -> Groups:
    key = "label" if all(labelled(arrays) for _, arrays in found) else "prediction"
    last = found[-1][1]
    counts = Counter(last[key][last["mapped"]].tolist())
    counts.pop(len(names) - 1, None)
    shown = sorted(label for label, _ in counts.most_common(_COLOURED))
    groups = []
    for _, arrays in found:
        values = arrays[key][arrays["mapped"]]
        parts = [("unknown", GREY, "x", values == len(names) - 1)]
        rest = ~np.isin(values, [*shown, len(names) - 1])
        parts.append((f"{len(counts) - len(shown)} other classes", GREY, ".", rest))
        for place, label in enumerate(shown):
            colour = COLOURS[place % len(COLOURS)]
            marker = MARKERS[(place + place // len(COLOURS)) % len(MARKERS)]
            parts.append((shortened(names[label], 16), colour, marker, values == label))
        groups.append([part for part in parts if part[3].any()])
    return groups


def _by_unknown(found: list[tuple[str, Arrays]], unknown: int) -> Groups:
    groups = []
    for _, arrays in found:
        is_unknown = arrays["label"][arrays["mapped"]] == unknown
        groups.append(
            [
                ("known", KNOWN, "o", ~is_unknown),
                ("unknown", UNKNOWN, "x", is_unknown),
            ]
        )
    return groups


def _draw(
    figure: Figure,
    found: list[tuple[str, Arrays]],
    layouts: list[NDArray[np.float32]],
    groups: Groups,
) -> None:
    panels: list[Axes] = list(figure.subplots(1, len(found), squeeze=False)[0])
    for axes, (title, _), points, parts in zip(panels, found, layouts, groups, strict=True):
        for name, colour, marker, mask in parts:
            # As one embedded picture: thousands of points would be as many page elements.
            axes.scatter(
                points[mask, 0],
                points[mask, 1],
                s=14,
                color=colour,
                marker=marker,
                alpha=0.75,
                linewidths=0.8,
                label=name,
                rasterized=True,
            )
        axes.set(title=title, xticks=[], yticks=[])
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
    legend_below(figure, 2 * len(found) + 1)
