"""What every command that makes tables does with its request: plan, run, collect, print."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import click

from genmix_da.cli import groups
from genmix_da.cli.engine_options import engine_options, take_engine
from genmix_da.cli.options import Command, apply

if TYPE_CHECKING:
    from genmix_da.tables.estimate import Estimate
    from genmix_da.tables.plan import Plan, PlannedRun, TableRequest
    from genmix_da.tables.records import Record
    from genmix_da.tables.summary import Summary

RequestT = TypeVar("RequestT", bound="TableRequest")
RunT = TypeVar("RunT", bound="PlannedRun")

_OPTIONS: tuple[Command, ...] = (
    groups.running(
        "--shard", metavar="I/N", help="Do the I-th of N parts of the next stage, and stop."
    ),
    groups.running(
        "--dry-run", is_flag=True, help="Show the plan and what it would cost, and stop."
    ),
)


def running_options(command: Command) -> Command:
    """Where and how much of a table runs."""
    return engine_options(apply(_OPTIONS, command))


@dataclass(frozen=True)
class TableCommand(Generic[RequestT, RunT]):
    """What is particular to one kind of table.

    Attributes:
        request: reads what was typed.
        plan: of a request, without what its folder holds already.
        estimate: seconds of what is missing, from a plan and the records of its folder.
        write: the files of a table, made from its summary.
    """

    request: Callable[[], RequestT]
    plan: Callable[[RequestT], Plan[RunT]]
    estimate: Callable[[Plan[RunT], Sequence[Record]], Estimate]
    write: Callable[[Path, Summary], list[Path]]


def run_table(
    table: TableCommand[RequestT, RunT], options: dict[str, Any], *, as_json: bool
) -> int:
    """Plan, run and print a table; returns the exit code.

    Args:
        table: what kind.
        options: of the command; those of `running_options` are taken out before anything is read.
        as_json: standard output holds JSON alone.
    """
    from genmix_da.augment.sharding import parse_shard
    from genmix_da.cli.show import echo_json
    from genmix_da.cli.table_show import echo_plan, echo_tables
    from genmix_da.tables.files import as_dict
    from genmix_da.tables.run import collect, run_plan, run_shard

    runner = take_engine(options)
    shard, dry_run = options.pop("shard"), options.pop("dry_run")
    part = parse_shard(shard) if shard else None
    request = table.request()
    plan = table.plan(request)
    if not as_json:
        echo_plan(plan, request, table.estimate)
    if dry_run:
        if as_json:
            echo_json({stage: [job.label for job in jobs] for stage, jobs in plan.missing.items()})
        return 0
    if part is not None:
        stage, failures = run_shard(plan, runner, part)
        click.echo(f"stage {stage}: this part is done" if stage else "nothing is missing", err=True)
        return 1 if failures else 0
    failures = run_plan(plan, runner)
    summary = collect(request, plan, ["genmix-da", *sys.argv[1:]])
    files = table.write(request.root, summary)
    if as_json:
        echo_json(as_dict(summary))
    else:
        echo_tables(summary, files)
    for label, reason in (*plan.refused, *((item.label, item.reason) for item in failures)):
        click.echo(f"failed: {label}: {reason}", err=True)
    return 1 if failures or plan.refused else 0
