"""genmix-da table"""

from __future__ import annotations

from typing import Any

import click

from genmix_da.cli import groups
from genmix_da.cli.augment_options import augment_seed_option, genmix_options, join_genmix
from genmix_da.cli.options import json_option, model_options, target_options
from genmix_da.cli.others import and_others
from genmix_da.cli.profile_help import ProfileCommand
from genmix_da.cli.table_run import TableCommand, run_table, running_options

_NAMED = ("pairs", "methods", "seeds", "out", "edit_shards")  # what the table alone has


@click.command(name="table", cls=ProfileCommand)
@groups.table("--pairs", default="all", show_default=True, help="all, or e.g. Ar2Cl,Pr2Re.")
@groups.table(
    "--methods",
    default="source-only,lead,lead+genmix",
    show_default=True,
    help=f"Rows of the table.{and_others('methods')}",
)
@groups.table("--seeds", default="1,2,3", show_default=True, help="Seeds of every cell.")
@model_options
@target_options
@genmix_options
@augment_seed_option
@groups.running(
    "--edit-shards", type=int, help="Jobs that share a source's edits [8; 1 for filters]."
)
@running_options
@groups.running("--out", help="Folder of runs, sources and tables [runs/table-<data>].")
@json_option
def command(as_json: bool, **options: Any) -> int:
    """Plan, run and print a table: methods x pairs x seeds in one or more settings.

    What is done is not done again: the same command prints, another seed runs that seed alone.
    Writes table.md, table.csv, runs.csv, table.tex and table.json into the folder. Exit code 1
    where a job failed.
    """
    from genmix_da.adaptation.tables.estimate import estimate_plan
    from genmix_da.adaptation.tables.plan import plan_of
    from genmix_da.adaptation.tables.request import build_request
    from genmix_da.tables.files import write_tables

    named = {name: options.pop(name) for name in _NAMED}
    table = TableCommand(
        lambda: build_request(join_genmix(options), **named), plan_of, estimate_plan, write_tables
    )
    return run_table(table, options, as_json=as_json)
