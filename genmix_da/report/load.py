"""The runs of a report: records, learning curves and evidence, and what is missing of each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genmix_da.errors import UserError
from genmix_da.evidence import Arrays, read_evidence
from genmix_da.report.moved_files import find_recorded
from genmix_da.table.aggregate import HEADLINES, Wanted, has_no_epochs, score
from genmix_da.table.records import NAME, Problem, Record, read_records


@dataclass(frozen=True)
class ReportRun:
    """One run with everything that it left.

    Attributes:
        key: unique on a page: letters, digits and hyphens.
        folder: of the run.
        record: of result.json.
        metrics: lines of metrics.jsonl: one an epoch of adaptation, from epoch 0.
        source_metrics: of the source model's training; [] where it is gone or was given.
        evidence: see `read_evidence`.
    """

    key: str
    folder: Path
    record: Record
    metrics: list[dict[str, Any]]
    source_metrics: list[dict[str, Any]]
    evidence: dict[str, Arrays]

    @property
    def content(self) -> dict[str, Any]:
        """Of result.json."""
        return self.record.content

    @property
    def setting(self) -> str:
        """ "opda", "osda" or "pda"."""
        return str(self.content["setting"])

    @property
    def done(self) -> bool:
        """Whether the run has finished."""
        return self.record.status == "done"

    @property
    def adapts(self) -> bool:
        """Whether there are epochs of adaptation."""
        return not has_no_epochs(self.content["method"])

    @property
    def title(self) -> str:
        """E.g. "Art to Clipart, OPDA, lead, seed 1"."""
        c = self.content
        pair = f"{c['source']} to {c['target']}"
        return f"{pair}, {self.setting.upper()}, {c['method']}, seed {c['seed']}"

    @property
    def headline(self) -> float | None:
        """The setting's score of the last epoch; None where there is none."""
        if not self.done:
            return None
        return score(self.record, self.content["method"], "last", HEADLINES[self.setting])

    @property
    def class_names(self) -> list[str]:
        """The classifier's C outputs, then "unknown"."""
        config = (self.content.get("provenance") or {}).get("config") or {}
        sets = config.get("label_sets") or {}
        known = [*sets.get("shared", ()), *sets.get("source_private", ())]
        return [*map(str, known), "unknown"]


@dataclass(frozen=True)
class Loaded:
    """All runs of a report.

    Attributes:
        runs: whatever their status, in the order of pairs, methods and seeds.
        problems: files that are not used, and why.
        root: folder that holds all of them; files are named relative to it.
    """

    runs: tuple[ReportRun, ...]
    problems: tuple[Problem, ...]
    root: Path

    @property
    def wanted(self) -> list[Wanted]:
        """The runs as a table wants them."""
        return [
            Wanted(
                run.record.identity,
                run.setting,
                run.content["source"],
                run.content["target"],
                run.content["method"],
                run.content["seed"],
            )
            for run in self.runs
        ]


def load_runs(paths: Sequence[Path]) -> Loaded:
    """Read the runs below some folders; a finished record counts once, wherever it lies.

    Args:
        paths: run folders, folders of run folders (of a table), or result.json files.

    Raises:
        UserError: a path that is not there, or no run in any of them.
    """
    records: dict[str, Record] = {}
    problems: list[Problem] = []
    for path in paths:
        folder = path.parent if path.name == NAME else path
        if not folder.is_dir():
            raise UserError(f"no run folder {path}; give folders that hold {NAME}.")
        found, unused = read_records(folder)
        problems += unused
        for record in found:
            held = records.get(record.identity)
            if held is None or (record.status == "done" and held.status != "done"):
                records[record.identity] = record
    if not records and not problems:
        listed = ", ".join(map(str, paths))
        raise UserError(f"no run in {listed}: no {NAME} below; run genmix-da adapt or table first.")
    if not records:
        raise UserError(f"no usable run: {problems[0].path} {problems[0].reason}.")
    ordered = sorted(records.values(), key=_place)
    runs = [_load(record, f"run-{number}") for number, record in enumerate(ordered, start=1)]
    return Loaded(tuple(runs), tuple(problems), _common(paths))


def _place(record: Record) -> tuple[Any, ...]:
    c = record.content
    # The baselines first: "lead" before "lead+genmix".
    order = ("opda", "osda", "pda")
    known = order.index(c["setting"]) if c["setting"] in order else len(order)
    method = (not has_no_epochs(c["method"]), c["method"])
    return known, c["source"], c["target"], method, c["seed"], record.identity


def _common(paths: Sequence[Path]) -> Path:
    folders = [p.parent if p.name == NAME else p for p in paths]
    if len(folders) == 1:
        return folders[0]
    import os.path

    return Path(os.path.commonpath([folder.resolve() for folder in folders]))


def _load(record: Record, key: str) -> ReportRun:
    folder = record.path.parent
    model = record.content.get("source_model") or {}
    source = find_recorded(str(model.get("folder") or ""), folder)
    return ReportRun(
        key,
        folder,
        record,
        _metrics(folder / "metrics.jsonl", "target"),
        _metrics(source / "metrics.jsonl", "source") if source else [],
        read_evidence(folder),
    )


def _metrics(path: Path, stage: str) -> list[dict[str, Any]]:
    """Lines of one stage; none where the file is missing, and no more than can be read."""
    rows: list[dict[str, Any]] = []
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if isinstance(row, dict) and row.get("stage") == stage:
                rows.append(row)
    except (OSError, ValueError):
        return rows
    return rows
