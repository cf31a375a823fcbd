"""What GenMix did to the source images: a gallery for each augmented source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from genmix_da.progress import track
from genmix_da.reporting.figures import (
    COLOURS,
    GREY,
    KNOWN,
    UNKNOWN,
    Chart,
    filled,
    legend_below,
    shortened,
)
from genmix_da.reporting.run import ReportRun

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from genmix_da.reporting.gallery import Gallery

_MOST_CLASSES = 40


@dataclass(frozen=True)
class SourceGallery:
    """What was made of one source.

    Attributes:
        source: domain or data set.
        gallery: edits, counts, rates.
        charts: similarities and rates.
    """

    source: str
    gallery: Gallery
    charts: list[Chart]


def galleries_of(runs: Sequence[ReportRun], detailed: Sequence[ReportRun]) -> list[SourceGallery]:
    """One gallery for every source that was augmented; fewer rows where there are many sources.

    Args:
        runs: of the report.
        detailed: those that are shown one by one; theirs come first.
    """
    from genmix_da.reporting.gallery import gallery, made_record

    # Seeds and pairs share the augmented images: one gallery shows them all.
    unique: dict[str, ReportRun] = {}
    for run in (*detailed, *runs):
        made = made_record(run.content)
        if made:
            unique.setdefault(str(made.get("folder") or run.content["source"]), run)
    rows = 8 if len(unique) <= 2 else 4
    found = []
    sources = track(unique.values(), "what GenMix did", len(unique))
    for number, run in enumerate(sources, start=1):
        made_of = gallery(run.content, run.folder, rows)
        charts = _charts(f"gallery-{number}", made_of)
        found.append(SourceGallery(run.content["source"], made_of, charts))
    return found


def _charts(key: str, made_of: Gallery) -> list[Chart]:
    result = []
    if made_of.similarities:
        kept = [value for value, status in made_of.similarities if status == "kept"]
        words = f"{len(kept)} of {len(made_of.similarities)} compared edits were kept."
        result.append(
            Chart(
                f"{key}-similarity",
                "Similarity of edits with their originals",
                f"Histogram of the cosine between edit and original. {words}",
                lambda figure: _draw_similarity(figure, made_of),
            )
        )
    for name, rates in (("style", made_of.by_style), ("class", made_of.by_class)):
        if rates:
            result.append(
                Chart(
                    f"{key}-{name}",
                    f"Kept, dropped and failed edits per {name}",
                    "; ".join(
                        f"{who}: {counts['kept']} of {sum(counts.values())} kept"
                        for who, counts in _shown_rates(rates)
                    )
                    + ".",
                    lambda figure, rates=rates: _draw_rates(figure, rates),  # type: ignore[misc]
                    (4.4, 1.2 + 0.2 * len(_shown_rates(rates))),
                )
            )
    return result


def _shown_rates(rates: Mapping[str, Mapping[str, int]]) -> list[tuple[str, Mapping[str, int]]]:
    """All of them, or those that keep least where they are many."""
    items = list(rates.items())
    if len(items) <= _MOST_CLASSES:
        return items
    lowest = sorted(items, key=lambda item: item[1]["kept"] / max(sum(item[1].values()), 1))
    return lowest[:_MOST_CLASSES]


def _draw_similarity(figure: Figure, made_of: Gallery) -> None:
    axes = figure.subplots()
    values = [value for value, _ in made_of.similarities]
    low = min([*values, made_of.threshold if made_of.threshold is not None else 1.0])
    bins = np.linspace(low, max(*values, low + 1e-6), 41).tolist()
    for status, colour, hatch in (("kept", KNOWN, ""), ("dropped", UNKNOWN, "///")):
        chosen = [value for value, name in made_of.similarities if name == status]
        if chosen:
            axes.hist(
                chosen,
                bins=bins,
                **filled(colour, hatch),
                label=f"{status} ({len(chosen)})",
            )
    if made_of.threshold is not None:
        label = f"threshold {made_of.threshold:.3f}"
        axes.axvline(made_of.threshold, color=GREY, linestyle="--", label=label)
    axes.set(xlabel="cosine between edit and original", ylabel="edits")
    legend_below(figure)


def _draw_rates(figure: Figure, rates: Mapping[str, Mapping[str, int]]) -> None:
    axes = figure.subplots()
    rows = _shown_rates(rates)
    if len(rows) < len(rates):
        axes.set_title(f"the {len(rows)} that keep least, of {len(rates)}")
    left = np.zeros(len(rows))
    styles = (("kept", KNOWN, ""), ("dropped", UNKNOWN, "///"), ("failed", COLOURS[3], "xxx"))
    for status, colour, hatch in styles:
        counts = np.array([counts.get(status, 0) for _, counts in rows])
        if counts.any():
            axes.barh(
                range(len(rows)),
                counts,
                left=left,
                color=colour,
                hatch=hatch,
                edgecolor="white",
                linewidth=0.5,
                label=status,
            )
        left += counts
    axes.set_yticks(range(len(rows)), [shortened(name, 22) for name, _ in rows])
    axes.invert_yaxis()
    axes.set_xlabel("edits")
    axes.grid(axis="y", visible=False)
    legend_below(figure)
