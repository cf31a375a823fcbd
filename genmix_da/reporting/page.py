"""One self-contained HTML page, and the same figures as files.

Everything that comes from file names, class names or prompts is escaped by the template engine; the
page loads nothing, which its content security policy holds it to.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from genmix_da.places import place_name, user_path
from genmix_da.progress import track
from genmix_da.reporting.content import DETAILED, Content, gather
from genmix_da.reporting.figures import Chart, inline_svg, write_files
from genmix_da.reporting.hidden_places import HiddenPlaces, caches_of
from genmix_da.reporting.html import environment, page_file, source
from genmix_da.reporting.limit import Limit
from genmix_da.reporting.load import load_runs
from genmix_da.reporting.run import STAGES
from genmix_da.reporting.words import (
    column_meanings,
    labels_missing,
    metric_meaning,
    state,
    verdict,
)
from genmix_da.tables.kinds import kind_of
from genmix_da.tables.values import percent
from lead.files import write_atomically

logger = logging.getLogger(__name__)


def write_report(
    runs: str | Path | Sequence[str | Path],
    out: str | Path = "report.html",
    *,
    figures: str | Path | None = None,
    details: int = DETAILED,
    command: Sequence[str] = ("genmix-da", "report"),
) -> Path:
    """Write the report of some runs.

    Args:
        runs: a run folder, a folder that holds run folders (of a table), or a result.json file;
            or several.
        out: HTML file to write.
        figures: folder for the figures as SVG and PNG; None: not written.
        details: at most this many runs are shown one by one; of more, the worst and the best.
        command: that makes the report, for its provenance.

    Returns:
        The HTML file.

    Raises:
        UserError: no such folder, no usable run in it, or `out` is no name for a file.

    Example:
        >>> from genmix_da.reporting import write_report
        >>> write_report("runs/demo", "report.html")  # doctest: +SKIP
        PosixPath('report.html')
    """
    path = page_file(out, "-o")
    places = list(runs) if isinstance(runs, Sequence) and not isinstance(runs, str) else [runs]
    content = gather(load_runs([user_path(place) for place in places]), command, details=details)
    path.parent.mkdir(parents=True, exist_ok=True)
    drawn = None if figures is None else user_path(figures)
    if drawn is not None:  # refused before there is a page
        drawn.mkdir(parents=True, exist_ok=True)
    page = render(content)
    write_atomically(path, lambda file: file.write_text(page, encoding="utf-8"))
    if drawn is not None:
        written = write_files(content.charts, drawn)
        logger.info("%d figure files in %s", len(written), place_name(drawn))
    return path


def render(content: Content) -> str:
    """The page as text."""
    from markupsafe import Markup

    @cache
    def svg(chart: Chart) -> Markup:
        return Markup(inline_svg(chart))  # matplotlib escapes the text it writes

    # Drawn here, with progress, and not on the way through the template: maps take seconds.
    for chart in track(content.charts, "drawing", len(content.charts)):
        svg(chart)
    page = (
        environment(HiddenPlaces(caches_of(content.loaded.runs)))
        .get_template("page.html.j2")
        .render(
            c=content,
            svg=svg,
            css=source("page.css"),
            js=source("page.js"),
            percent=percent,
            state=state,
            verdict=verdict,
            labels_missing=labels_missing,
            meanings=_meanings(content),
            column_meanings=_columns(content),
            kind_of=kind_of,
            stages=_stages(content),
            tables=[each for each in content.tables if each.grids],
            compared=[chart for chart in content.comparison if chart.name != "cost"],
            gpu=any("cuda" in row.memory for row in content.costs),
            version=_version(),
        )
    )
    return page.encode("utf-8", "replace").decode()  # what no filter saw


def _meanings(content: Content) -> list[tuple[str, str]]:
    """(setting, what its score means), once each."""
    found: dict[str, list[Limit]] = {}
    for run in content.loaded.runs:
        limits = found.setdefault(run.setting, [])
        limits += [limit for limit in (run.limit, run.graph_limit) if limit is not None]
    return [(setting, metric_meaning(setting, limits)) for setting, limits in found.items()]


def _columns(content: Content) -> list[tuple[str, str]]:
    """(score column, what it means) of all settings."""
    pairs = [
        (name.replace("_", "-"), meaning)
        for setting in dict.fromkeys(run.setting for run in content.loaded.runs)
        for name, meaning in column_meanings(setting).items()
    ]
    return list(dict.fromkeys(pairs))


def _stages(content: Content) -> dict[str, str]:
    """Stage -> words, of those that a run has spent time in."""
    spent = {key for row in content.costs for key in row.stages}
    return {key: title for key, title in STAGES.items() if key in spent}


def _version() -> str:
    from genmix_da import __version__

    return __version__
