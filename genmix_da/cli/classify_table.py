"""genmix-da classify table"""

from __future__ import annotations

from typing import Any

import click

from genmix_da.cli import groups
from genmix_da.cli.classify_options import (
    classify_genmix_options,
    classify_options,
    join_classify,
)
from genmix_da.cli.options import json_option
from genmix_da.cli.table_run import TableCommand, run_table, running_options

_NAMED = ("methods", "ablation", "seeds", "out", "edit_shards")  # what the table alone has


@click.command(name="table", cls=groups.GroupedCommand)
@groups.table(
    "--methods",
    help="Rows; with other settings as NAME:key=value;key=value, lists joined with + "
    "[none,mixup,cutmix,genmix; none with --ablation].",
)
@groups.table(
    "--ablation",
    help="Rows of the paper: masks, components, lambda, seam-width; after those of --methods.",
)
@groups.table("--seeds", default="1,2,3", show_default=True, help="Seeds of every cell.")
@classify_options
@classify_genmix_options
@groups.running(
    "--edit-shards", type=int, help="Jobs that share a data set's edits [8; 1 for filters]."
)
@running_options
@groups.running("--out", help="Folder of runs and tables [runs/classify-<data>].")
@json_option
def command(as_json: bool, **options: Any) -> int:
    """Plan, run and print a table: methods x data sets (--data A,B) x seeds.

    What is done is not done again: the same command prints, another seed runs that seed alone.
    Writes table.md, table.csv, runs.csv, table.tex, table.json, overhead.png and overhead.svg into
    the folder. Exit code 1 where a job failed.
    """
    from genmix_da.classify.tables.estimate import estimate_classify_plan
    from genmix_da.classify.tables.overhead_plot import write_classify_tables
    from genmix_da.classify.tables.plan import classify_plan_of
    from genmix_da.classify.tables.request import build_classify_request

    named = {name: options.pop(name) for name in _NAMED}
    table = TableCommand(
        lambda: build_classify_request(join_classify(options), **named),
        classify_plan_of,
        estimate_classify_plan,
        write_classify_tables,
    )
    return run_table(table, options, as_json=as_json)
