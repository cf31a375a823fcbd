"""How a table's plan and its results are printed."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

    from genmix_da.table.plan import Plan, Request
    from genmix_da.table.summary import Summary


def _console() -> Console:
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 100, highlight=False)


def echo_plan(plan: Plan, request: Request, *, estimated: bool) -> None:
    """What is wanted, what is missing, and how long that would take."""
    from rich.table import Table

    from genmix_da.table.jobs import STAGES

    table = Table(title=f"plan: {request.root}", title_justify="left")
    for name in ("stage", "jobs", "missing"):
        table.add_column(name, justify="left" if name == "stage" else "right")
    jobs = {job.key: job.stage for run in plan.runs for job in (*run.data, run.source, run.job)}
    counts = Counter(jobs.values())
    for stage in STAGES:
        if counts[stage]:
            table.add_row(stage, str(counts[stage]), str(len(plan.missing[stage])))
    _console().print(table)
    if estimated and plan.runs and any(plan.missing.values()):
        from genmix_da.table.estimate import estimate_plan
        from genmix_da.table.records import read_records

        estimate = estimate_plan(plan, read_records(request.root)[0])
        unknown = [stage for stage, value in estimate.seconds.items() if value is None]
        rest = f", not counting the stage {', '.join(unknown)}" if unknown else ""
        click.echo(
            f"about {estimate.hours:.2f} hours one after another (from {estimate.basis}){rest}"
        )
    for label, reason in plan.refused:
        click.echo(f"cannot be planned: {label}: {reason}")


def echo_tables(summary: Summary, files: Sequence[Path]) -> None:
    """The tables, then the files that hold them."""
    from genmix_da.table.render import print_tables

    print_tables(summary, _console())
    click.echo("written: " + ", ".join(str(file) for file in files))
