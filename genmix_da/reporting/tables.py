"""The tables of a page: runs of different splits of the classes are in tables of their own.

A score hangs on which classes are known, private and unknown, so a mean over two splits, or a
difference between them, says nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from genmix_da.methods import graph_name
from genmix_da.reporting.load import Loaded
from genmix_da.reporting.run import ReportRun
from genmix_da.tables.cells import Wanted
from genmix_da.tables.grids import Grid, grids
from genmix_da.tables.summary import Summary, summarise


@dataclass(frozen=True)
class SplitTables:
    """Runs that one table can hold, and their tables.

    Attributes:
        name: unique on a page: letters, digits and hyphens.
        title: setting, and the split where the page has several of that setting.
        runs: of one setting and split.
        summary: as `genmix-da table` makes it.
        grids, empty: tables to print, and lines on metrics without a value.
    """

    name: str
    title: str
    runs: tuple[ReportRun, ...]
    summary: Summary
    grids: list[Grid]
    empty: list[str]


def split_tables(loaded: Loaded, command: Sequence[str], *, carded: bool) -> list[SplitTables]:
    """The tables of each setting and split.

    Args:
        loaded: the runs.
        command: that makes the page.
        carded: every run has cards with its scores, which a table of one run would repeat.
    """
    groups: dict[tuple[str, str], list[ReportRun]] = {}
    own = _with_splits_of_their_own(loaded.runs)
    for run in loaded.runs:
        split = "" if run.setting in own and not run.split_given else run.split
        groups.setdefault((run.setting, split), []).append(run)
    settings = [setting for setting, _ in groups]
    found = []
    for place, ((setting, split), runs) in enumerate(groups.items()):
        several, before = settings.count(setting) > 1, settings[:place].count(setting)
        kind = runs[0].kind.title(setting)
        summary = summarise(
            wanted(runs),
            [run.record for run in runs],
            loaded.problems if place == 0 else (),
            command=command,
            root=loaded.root,
        )
        printed, empty = grids(summary)
        if carded and len(runs) == 1:  # but for what others have published
            printed = [grid for grid in printed if grid.rule_before is not None]
        if not runs[0].kind.scored:
            printed, empty = [], []
        name = setting.replace(" ", "-")
        found.append(
            SplitTables(
                f"{name}-{before + 1}" if before else name,
                f"{kind} {split or 'own splits'}" if several else kind,
                tuple(runs),
                summary,
                printed,
                empty,
            )
        )
    return found


def wanted(runs: Sequence[ReportRun]) -> list[Wanted]:
    """Runs as a table wants them; one with the graph step is two rows."""
    return [
        Wanted(
            run.record.identity,
            run.setting,
            run.content["source"],
            run.content["target"],
            method,
            run.content["seed"],
        )
        for run in runs
        for method in (
            run.method,
            *([graph_name(run.method)] if run.content.get("graph") else []),
        )
    ]


def _with_splits_of_their_own(runs: Sequence[ReportRun]) -> set[str]:
    """Settings in which no split was asked for and the pairs have different ones.

    That is one rule for all pairs, so one table holds them.
    """
    splits: dict[str, set[str]] = {}
    for run in runs:
        if not run.split_given:
            splits.setdefault(run.setting, set()).add(run.split)
    return {setting for setting, found in splits.items() if len(found) > 1}
