"""Everything that a report shows, gathered: charts, tables, pictures, words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from genmix_da.progress import track
from genmix_da.reporting import comparisons, curves_compared
from genmix_da.reporting.figures import Chart, shown
from genmix_da.reporting.galleries import SourceGallery, galleries_of
from genmix_da.reporting.load import Loaded
from genmix_da.reporting.rerun import rerun_command
from genmix_da.reporting.run import ReportRun
from genmix_da.reporting.run_part import RunPart, part_of
from genmix_da.reporting.tables import SplitTables, split_tables
from genmix_da.tables.origin import Origin, build_origin
from genmix_da.tables.records import Problem

DETAILED = 6  # runs that are shown one by one; of more, the best and the worst of each setting


@dataclass(frozen=True)
class Provenance:
    """Where a run comes from.

    Attributes:
        run: the run.
        command: that makes it again; None where it is not known.
        packages: name -> version.
        commit, platform: None where they were not recorded.
        data: use of images -> fingerprint.
        config: settings as JSON.
        skipped: files that were left out, with path and reason.
    """

    run: ReportRun
    command: str | None
    packages: Mapping[str, str | None]
    commit: str | None
    platform: str | None
    data: Mapping[str, str | None]
    config: str
    skipped: Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class Content:
    """What the page is made from.

    Attributes:
        title: of the page.
        loaded: the runs.
        tables: of each setting and split.
        origin: provenance of all runs in one.
        comparison: charts over several runs.
        parts: runs in detail.
        not_detailed: number of runs without details.
        galleries: what GenMix made, one an augmented source.
        costs: runs of the cost table.
        origins: provenance of every run.
    """

    title: str
    loaded: Loaded
    tables: list[SplitTables]
    origin: Origin
    comparison: list[Chart]
    parts: list[RunPart]
    not_detailed: int
    galleries: list[SourceGallery]
    costs: list[ReportRun]
    origins: list[Provenance]

    @property
    def marks(self) -> list[str]:
        """What nobody may miss, of all tables."""
        return list(dict.fromkeys(mark for each in self.tables for mark in each.summary.marks))

    @property
    def notes(self) -> list[str]:
        """How to read the tables that are shown."""
        shown = [each for each in self.tables if each.grids]
        notes = [line for each in shown for line in (*each.empty, *each.summary.notes)]
        return list(dict.fromkeys(notes))

    @property
    def problems(self) -> Sequence[Problem]:
        """Files that are not used, as the page names them."""
        return self.tables[0].summary.problems

    @property
    def charts(self) -> list[Chart]:
        """Every chart of the page, in its order."""
        found = list(self.comparison)
        for gallery in self.galleries:
            found += gallery.charts
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
    chosen = detailed_runs(loaded.runs, details)
    tables = split_tables(loaded, command, carded=len(chosen) == len(loaded.runs))
    return Content(
        _title(loaded.runs),
        loaded,
        tables,
        build_origin([run for each in tables for run in each.summary.runs], command),
        _comparison(tables, loaded.runs),
        [part_of(run) for run in track(chosen, "runs and their Grad-CAM", len(chosen))],
        len(loaded.runs) - len(chosen),
        galleries_of(loaded.runs, chosen),
        [run for run in loaded.runs if run.done],
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
            if run.setting == setting and run.headline is not None
            if run.adapts or not run.kind.pairs
        ]
        if scored and limit > 1:
            ordered = sorted(scored, key=lambda item: (item[0], item[1].key))
            chosen += [ordered[0][1], *([ordered[-1][1]] if len(ordered) > 1 else [])]
    kept = {run.key for run in chosen[:limit]}
    return [run for run in runs if run.key in kept]


def _title(runs: Sequence[ReportRun]) -> str:
    if len(runs) == 1:
        return runs[0].title
    places = list(dict.fromkeys(run.place for run in runs))
    settings = ", ".join(dict.fromkeys(run.kind.title(run.setting) for run in runs))
    if len(places) == 1:
        return f"{' to '.join(places[0])}, {settings}: {len(runs)} runs"
    datasets = ", ".join(dict.fromkeys(str(run.content["dataset"]) for run in runs))
    columns = " and ".join(dict.fromkeys(run.kind.columns for run in runs))
    return f"{datasets}, {settings}: {len(places)} {columns}, {len(runs)} runs"


def _comparison(tables: Sequence[SplitTables], runs: Sequence[ReportRun]) -> list[Chart]:
    charts = [chart for each in tables for chart in comparisons.charts(each)]
    cost = comparisons.cost(runs)
    charts += [cost] if cost else []
    return charts + [chart for each in tables for chart in curves_compared.charts(each)]


def _origin(run: ReportRun) -> Provenance:
    origin = run.content.get("provenance") or {}
    return Provenance(
        run,
        rerun_command(run.content),
        origin.get("packages") or {},
        origin.get("git_commit"),
        origin.get("platform"),
        origin.get("data") or {},
        shown(json.dumps(origin.get("config") or {}, indent=2, ensure_ascii=False)),
        run.content.get("skipped_files") or [],
    )
