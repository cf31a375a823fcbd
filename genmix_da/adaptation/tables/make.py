"""Make a table from Python, as the command does."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

from genmix_da.adaptation.options import AdaptOptions
from genmix_da.adaptation.tables.plan import plan_of
from genmix_da.adaptation.tables.request import build_request
from genmix_da.engines.choose import parse_engine
from genmix_da.runs.result import Record
from genmix_da.tables.files import write_tables
from genmix_da.tables.run import collect, run_plan


@dataclass(frozen=True, eq=False)
class TableResult(Record):
    """A table; `record` is the content of its table.json.

    Attributes:
        files: that were written: table.md, table.csv, runs.csv, table.tex, table.json.
        failed: (run or job, reason) of what could not be done.
    """

    files: tuple[Path, ...]
    failed: tuple[tuple[str, str], ...]


def table(
    *,
    pairs: str | Sequence[str] = "all",
    methods: str | Sequence[str] = ("source-only", "lead", "lead+genmix"),
    seeds: str | Sequence[int] = (1, 2, 3),
    out: str | Path | None = None,
    engine: str = "local",
    gpus_per_job: float | None = None,
    ray_address: str | None = None,
    edit_shards: int | None = None,
    **options: Unpack[AdaptOptions],
) -> TableResult:
    """Plan, run and write a table: methods x pairs x seeds in one or more settings.

    What its folder holds is not done again.

    Args:
        pairs: "all", or e.g. ["Ar2Cl", "Pr2Re"].
        methods: its rows.
        seeds: of every cell.
        out: folder; None: runs/table-<data>.
        engine: "local", "workers:N" or "ray". Workers start new processes: a script that asks for
            them needs `if __name__ == "__main__":`.
        gpus_per_job, ray_address: see `genmix-da table --help`.
        edit_shards: jobs that share the edits of a source.
        **options: fields of `AdaptConfig` that hold for all runs; "setting" and "split" may name
            several, with commas between.

    Returns:
        The table, also where runs failed: they are in `failed`.

    Raises:
        UserError, LeadError: bad input, in one sentence.

    Example:
        >>> import genmix_da
        >>> found = genmix_da.table(pairs=["Ar2Cl"], seeds=[1], epochs=2)  # doctest: +SKIP
        >>> found.folder, found.failed  # doctest: +SKIP
        (PosixPath('runs/table-mini-office-home'), ())
    """
    folder = None if out is None else str(out)
    named = (_listed(pairs), _listed(methods), _listed(seeds))
    request = build_request(options, *named, folder, edit_shards)
    plan = plan_of(request)
    runner = parse_engine(engine, gpus_per_job=gpus_per_job, address=ray_address)
    failures = run_plan(plan, runner)
    summary = collect(request, plan, ["genmix_da.table"])
    files = write_tables(request.root, summary)
    failed = (*plan.refused, *((item.label, item.reason) for item in failures))
    record = json.loads((request.root / "table.json").read_text())
    return TableResult(record, request.root, tuple(files), failed)


def _listed(given: str | Sequence[Any]) -> str:
    return given if isinstance(given, str) else ",".join(map(str, given))
