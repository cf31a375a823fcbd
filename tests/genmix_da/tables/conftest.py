"""Small records made by hand, sealed as a run seals its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from genmix_da.adaptation.tables.kind import ADAPTATION
from genmix_da.runs.seal import seal
from genmix_da.tables.aggregate import Cell, Table, build_tables, match_runs
from genmix_da.tables.cells import Wanted
from genmix_da.tables.kinds import register
from genmix_da.tables.records import Problem, Record
from genmix_da.tables.summary import Summary, summarise
from office_home.benchmarks import BENCHMARKS, OFFICE_HOME_CLASSES, OFFICE_HOME_DOMAINS

register(ADAPTATION)


Content = dict[str, Any]
GENMIX = "lead+genmix[filters]"
TWELVE = [(a, b) for a in OFFICE_HOME_DOMAINS for b in OFFICE_HOME_DOMAINS if a != b]


def content_of(identity: str, h_score: float | None = 0.7, **fields: Any) -> Content:
    """Content of a result.json with three different blocks around one H-score."""

    def block(value: float | None, epoch: int) -> Content:
        return {
            "h_score": value,
            "known_accuracy": 0.5,
            "unknown_accuracy": 0.8,
            "accuracy": 0.6,
            "auroc": 0.9,
            "oscr": 0.7,
            "epoch": epoch,
        }

    def shifted(by: float) -> float | None:
        return None if h_score is None else h_score + by

    seed, method = fields.get("seed", 1), fields.get("method", "lead")
    stand_in = {"editor": "filters", "stand_in": True}
    config = {"device": "cpu", "epochs": 8, "batch_size": 64, "seed": seed, "weights": "none"}
    content: Content = {
        "schema": 1,
        "identity": identity,
        "status": "done",
        "reason": None,
        "dataset": "office-home",
        "synthetic": False,
        "setting": "opda",
        "source": "Art",
        "target": "Clipart",
        "method": method,
        "augment": stand_in if "[filters]" in method else None,
        "backbone": "resnet50",
        "seed": seed,
        "split": [10, 5, 50],
        "threshold": 0.55,
        "scores": {
            "last": block(h_score, 8),
            "selected": block(shifted(-0.1), 5),
            "oracle": block(shifted(0.1), 3),
        },
        "source_only": block(shifted(-0.2), 0) | {"h_score_at_050": 0.3},
        "skipped_files": [],
        "provenance": {
            "packages": {"genmix-da": "0.1.0", "torch": "2.9.0", "numpy": "2.0.0"},
            "git_commit": "a" * 40,
            "command": ["genmix-da", "adapt"],
            "config": config,
            "data": {"source": "5" * 64, "target": "7" * 64},
        },
    }
    return content | fields


@pytest.fixture
def content() -> Callable[..., Content]:
    """Makes the content of a record, unsealed."""
    return content_of


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, Content], Path]:
    """Seals a record and writes it to tmp_path/runs/<name>/result.json."""

    def write_record(name: str, content: Content) -> Path:
        path = tmp_path / "runs" / name / "result.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(seal(content), indent=2))
        return path

    return write_record


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """The folder that `write` writes to."""
    folder = tmp_path / "runs"
    folder.mkdir(exist_ok=True)
    return folder


class Bench:
    """Collects wanted runs and their records."""

    def __init__(self, content: Callable[..., Content]) -> None:
        self.content = content
        self.wanted: list[Wanted] = []
        self.records: dict[str, Record] = {}

    def add(
        self,
        method: str,
        pair: tuple[str, str],
        seed: int,
        h_score: float | None = 0.7,
        *,
        recorded: bool = True,
        undefined: bool = False,
        **fields: Any,
    ) -> None:
        identity = f"{len(self.wanted):016x}"
        setting = fields.setdefault("setting", "opda")
        self.wanted.append(Wanted(identity, setting, *pair, method, seed, undefined))
        if recorded and not undefined:
            made = {"source": pair[0], "target": pair[1], "seed": seed, "method": method}
            content = self.content(identity, h_score, **(made | fields))
            self.records[identity] = Record(
                identity, Path(identity), content, content["status"], content["reason"]
            )

    def fill(self, pairs: Sequence[tuple[str, str]] = TWELVE, **fields: Any) -> None:
        """Three methods, two seeds, numbers that differ from pair to pair."""
        for method, gain in (("source-only", 0.0), ("lead", 0.0), (GENMIX, 0.04)):
            for number, pair in enumerate(pairs):
                for seed in (1, 2):
                    score = 0.5 + 0.01 * number + 0.02 * seed + gain
                    self.add(method, pair, seed, score, **fields)

    def publish(self) -> None:
        """Give every record the published label sets."""
        sets = BENCHMARKS["office-home"].label_sets("opda", OFFICE_HOME_CLASSES)
        names = ("shared", "source_private", "target_private")
        for record in self.records.values():
            found = {name: list(part) for name, part in zip(names, sets, strict=True)}
            record.content["provenance"]["config"]["label_sets"] = found

    def summary(self, problems: Sequence[Problem] = (), root: Path | None = None) -> Summary:
        command = ["genmix-da", "table", "--pairs", "all", "--note", "50 % & more"]
        records = list(self.records.values())
        return summarise(self.wanted, records, problems, command=command, root=root)

    def table(self, block: str = "last", metric: str = "h_score", setting: str = "opda") -> Table:
        found = build_tables(match_runs(self.wanted, self.records))
        return next(
            table
            for table in found
            if (table.block, table.metric, table.setting) == (block, metric, setting)
        )

    def cell(self, method: str, column: str, **place: str) -> Cell:
        row = next(row for row in self.table(**place).rows if row.method == method)
        return row.cells[column]


@pytest.fixture
def bench(content: Callable[..., Content]) -> Bench:
    """Empty."""
    return Bench(content)
