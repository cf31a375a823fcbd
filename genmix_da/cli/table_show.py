"""How a table's plan and its results are printed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from genmix_da.cli.place import shown

if TYPE_CHECKING:
    from rich.console import Console

    from genmix_da.tables.estimate import Estimate
    from genmix_da.tables.plan import Plan, RunT, TableRequest
    from genmix_da.tables.records import Record
    from genmix_da.tables.summary import Summary


def _console() -> Console:
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 100, highlight=False)


def echo_plan(
    plan: Plan[RunT],
    request: TableRequest,
    estimate: Callable[[Plan[RunT], Sequence[Record]], Estimate],
) -> None:
    """What is wanted, what is missing, and how long that would take.

    Args:
        plan, request: of a table.
        estimate: of what is missing, from a plan and the records of its folder.
    """
    from rich.table import Table

    table = Table(title=f"plan: {shown(request.root)}", title_justify="left")
    for name in ("stage", "jobs", "missing"):
        table.add_column(name, justify="left" if name == "stage" else "right")
    counts = plan.counts()
    for stage in plan.stages:
        if counts[stage]:
            table.add_row(stage, str(counts[stage]), str(len(plan.missing[stage])))
    _console().print(table)
    if plan.runs and any(plan.missing.values()):
        from genmix_da.tables.records import read_records

        found = estimate(plan, read_records(request.root)[0])
        unknown = [stage for stage, value in found.seconds.items() if value is None]
        rest = f", not counting the stage {', '.join(unknown)}" if unknown else ""
        if found.hours:
            said = f"about {found.hours:.2f} hours one after another (from {found.basis}){rest}"
        else:
            said = "how long it takes is said once a run of it is done"
        click.echo(said)
    for label, reason in plan.refused:
        click.echo(f"cannot be planned: {label}: {reason}")


def echo_tables(summary: Summary, files: Sequence[Path]) -> None:
    """The tables, then the files that hold them."""
    from genmix_da.tables.render import print_tables

    print_tables(summary, _console())
    click.echo("written: " + ", ".join(map(shown, files)))
