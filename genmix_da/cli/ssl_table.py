"""genmix-da ssl table"""

from __future__ import annotations

from typing import Any

import click

from genmix_da.cli import groups
from genmix_da.cli.options import json_option
from genmix_da.cli.ssl_options import (
    join_ssl,
    probed_options,
    ssl_common_options,
    ssl_genmix_options,
)
from genmix_da.cli.table_run import TableCommand, run_table, running_options


@click.command(name="table", cls=groups.GroupedCommand)
@groups.table("--methods", default="moco-v2,simsiam", show_default=True, help="Of the rows.")
@groups.table("--augments", default="none,genmix", show_default=True, help="Each with each.")
@groups.table("--seeds", default="1,2,3", show_default=True, help="Seeds of every cell.")
@ssl_common_options
@probed_options
@ssl_genmix_options
@running_options
@groups.running("--out", help="Folder of runs and tables [runs/ssl-<data>].")
@json_option
def command(as_json: bool, **options: Any) -> int:
    """Plan, run and print a table: pre-trainings x data sets (--data A,B) x seeds, by their probes.

    What is done is not done again: the same command prints, another seed runs that seed alone.
    Writes table.md, table.csv, runs.csv, table.tex and table.json into the folder. Exit code 1
    where a job failed.
    """
    import genmix_da.selfsupervised.tables  # noqa: F401, which makes its kind known
    from genmix_da.selfsupervised.tables.plan import estimate_probe_plan, probe_plan_of
    from genmix_da.selfsupervised.tables.request import build_probe_request
    from genmix_da.tables.files import write_tables

    named = {name: options.pop(name) for name in ("methods", "augments", "seeds", "out")}
    table = TableCommand(
        lambda: build_probe_request(join_ssl(options), **named),
        probe_plan_of,
        estimate_probe_plan,
        write_tables,
    )
    return run_table(table, options, as_json=as_json)
