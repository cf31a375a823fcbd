"""Everything that a report shows, gathered: charts, tables, pictures, words."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from genmix_da.report import boundary, comparisons, curves, maps, openset, words
from genmix_da.report.figures import Chart, shown
from genmix_da.report.galleries import galleries_of
from genmix_da.report.load import Loaded, ReportRun
from genmix_da.report.rerun import rerun_command
from genmix_da.table.aggregate import HEADLINES
from genmix_da.table.grids import METRIC_NAMES, Grid, grids
from genmix_da.table.summary import Summary, summarise

DETAILED = 6  # runs that are shown one by one; of more, the best and the worst of each setting


@dataclass(frozen=True)
class Section:
    """Charts under a heading.

    Attributes:
        title: of the heading.
        charts: to draw.
        note: words where something is missing.
    """

    title: str
    charts: list[Chart]
    note: str = ""


@dataclass(frozen=True)
class RunPart:
    """One run in detail.

    Attributes:
        run: the run.
        cards: see `words.cards`.
        sections: charts.
        cams: rows of Grad-CAM pictures as data URIs.
        cam_note: words on them.
    """

    run: ReportRun
    cards: list[dict[str, Any]]
    sections: list[Section]
    cams: list[dict[str, Any]]
    cam_note: str


@dataclass(frozen=True)
class Content:
    """What the page is made from.

    Attributes:
        title: of the page.
        loaded: the runs.
        summary: as `genmix-da table` makes it.
        grids, empty: tables to print, and lines on metrics without a value.
        comparison: charts over several runs.
        parts: runs in detail.
        not_detailed: number of runs without details.
        galleries: what GenMix made, one an augmented source.
        costs: rows of the cost table.
        origins: provenance of every run: title, command, config, packages, ...
    """

    title: str
    loaded: Loaded
    summary: Summary
    grids: list[Grid]
    empty: list[str]
    comparison: list[Chart]
    parts: list[RunPart]
    not_detailed: int
    galleries: list[dict[str, Any]]
    costs: list[dict[str, Any]]
    origins: list[dict[str, Any]]

    @property
    def charts(self) -> list[Chart]:
        """Every chart of the page, in its order."""
        found = list(self.comparison)
        for gallery in self.galleries:
            found += gallery["charts"]
        for part in self.parts:
            for section in part.sections:
                found += section.charts
        return found


def gather(loaded: Loaded, command: Sequence[str], *, details: int = DETAILED) -> Content:
    """Everything that a report of these runs shows.

    Args:
        loaded: the runs.
        command: that makes the report.
        details: at most this many runs are shown one by one.
    """
    summary = summarise(
        loaded.wanted,
        [run.record for run in loaded.runs],
        loaded.problems,
        command=command,
        root=loaded.root,
    )
    printed, empty = grids(summary)
    chosen = detailed_runs(loaded.runs, details)
    return Content(
        _title(loaded.runs),
        loaded,
        summary,
        printed,
        empty,
        _comparison(summary, loaded.runs),
        [_part(run) for run in chosen],
        len(loaded.runs) - len(chosen),
        galleries_of(loaded.runs, chosen),
        [_cost(run) for run in loaded.runs if run.done],
        [_origin(run) for run in (loaded.runs if len(loaded.runs) <= 40 else chosen)],
    )


def detailed_runs(runs: Sequence[ReportRun], limit: int) -> list[ReportRun]:
    """All runs where they are few; else the best and the worst of each setting that adapt.

    Args:
        runs: of the report.
        limit: what counts as few.
    """
    if len(runs) <= limit:
        return list(runs)
    chosen = []
    for setting in dict.fromkeys(run.setting for run in runs):
        scored = [
            (run.headline, run)
            for run in runs
            if run.setting == setting and run.adapts and run.headline is not None
        ]
        if scored and limit > 1:
            ordered = sorted(scored, key=lambda item: (item[0], item[1].key))
            chosen += [ordered[0][1], *([ordered[-1][1]] if len(ordered) > 1 else [])]
    kept = {run.key for run in chosen[:limit]}
    return [run for run in runs if run.key in kept]


def _title(runs: Sequence[ReportRun]) -> str:
    if len(runs) == 1:
        return runs[0].title
    pairs = list(dict.fromkeys((r.content["source"], r.content["target"]) for r in runs))
    settings = ", ".join(dict.fromkeys(run.setting.upper() for run in runs))
    datasets = ", ".join(dict.fromkeys(str(run.content["dataset"]) for run in runs))
    if len(pairs) == 1:
        return f"{pairs[0][0]} to {pairs[0][1]}, {settings}: {len(runs)} runs"
    return f"{datasets}, {settings}: {len(pairs)} pairs, {len(runs)} runs"


def _comparison(summary: Summary, runs: Sequence[ReportRun]) -> list[Chart]:
    charts = comparisons.charts(summary, runs)
    groups: dict[tuple[str, str, str], list[ReportRun]] = {}
    for run in runs:
        if len(run.metrics) > 1:
            place = (run.setting, run.content["source"], run.content["target"])
            groups.setdefault(place, []).append(run)
    overviews = [curves.overview(runs, setting) for setting in dict.fromkeys(g[0] for g in groups)]
    charts += [chart for chart in overviews if chart]
    covered = {
        setting for setting in HEADLINES if any(f"curves-{setting}" == c.name for c in charts)
    }
    for number, ((setting, source, target), group) in enumerate(groups.items(), start=1):
        if len(group) > 1 and setting not in covered:
            name = METRIC_NAMES[HEADLINES[setting]]
            title = f"{setting.upper()}, {source} to {target}: {name} per epoch"
            charts.append(curves.comparison(group, f"comparison-{number}", title))
    return charts


def _part(run: ReportRun) -> RunPart:
    from genmix_da.report.gradcam import grad_cam_rows

    sections = [
        Section("Learning curves", curves.run_charts(run), _curves_note(run)),
        Section("Known against unknown", openset.charts(run), _evidence_note(run)),
    ]
    if run.adapts:
        sections.append(Section("LEAD's own view", boundary.charts(run), _evidence_note(run)))
    sections.append(Section("Map of target features", maps.charts(run), _evidence_note(run)))
    cams = grad_cam_rows(run.folder, run.content) if run.done else None
    rows = [
        {
            "path": shown(cam.path),
            "true": shown(cam.true),
            "before": cam.before,
            "after": cam.after,
            "wrong": cam.wrong,
            "pictures": [
                (caption, data_uri(picture))
                for caption, picture in (
                    ("target image", cam.picture),
                    ("before", cam.cam_before),
                    ("after", cam.cam_after),
                )
                if picture is not None
            ],
        }
        for cam in (cams.rows if cams else ())
    ]
    note = cams.note if cams else "The run has not finished, so there is no adapted model."
    return RunPart(run, words.cards(run), sections, rows, note)


def _curves_note(run: ReportRun) -> str:
    if run.metrics or run.source_metrics:
        return ""
    return "No metrics.jsonl was found in the run folder."


def _evidence_note(run: ReportRun) -> str:
    if run.evidence:
        return ""
    if not run.done:
        return "Not there yet: the run has not come that far."
    return (
        "The run left no evidence folder (it was made by an earlier version, or the folder was "
        "removed): run it again to see this."
    )


def data_uri(pixels: Any, quality: int = 82) -> str:
    """RGB pixels [H, W, 3] as a JPEG data URI."""
    from genmix_da.augment.cache import encode_jpeg

    return "data:image/jpeg;base64," + base64.b64encode(encode_jpeg(pixels, quality)).decode()


def _cost(run: ReportRun) -> dict[str, Any]:
    timing = run.content.get("timing") or {}
    return {
        "run": run,
        "stages": comparisons.stage_seconds(run),
        "images_per_second": timing.get("images_per_second"),
        "memory": timing.get("peak_memory_mib") or {},
    }


def _origin(run: ReportRun) -> dict[str, Any]:
    origin = run.content.get("provenance") or {}
    return {
        "run": run,
        "command": rerun_command(run.content),
        "packages": origin.get("packages") or {},
        "commit": origin.get("git_commit"),
        "platform": origin.get("platform"),
        "data": origin.get("data") or {},
        "config": shown(json.dumps(origin.get("config") or {}, indent=2, ensure_ascii=False)),
        "skipped": run.content.get("skipped_files") or [],
    }
