"""genmix-da table"""

from __future__ import annotations

import sys
from typing import Any

import click

from genmix_da.cli.augment_options import genmix_options, join_genmix
from genmix_da.cli.options import json_option, model_options, target_options


@click.command(name="table")
@click.option("--pairs", default="all", show_default=True, help="all, or e.g. Ar2Cl,Pr2Re.")
@click.option(
    "--methods",
    default="source-only,lead,lead+genmix",
    show_default=True,
    help="Rows of the table.",
)
@click.option("--seeds", default="1,2,3", show_default=True, help="Seeds of every cell.")
@model_options
@target_options
@genmix_options
@click.option("--augment-seed", type=int, help="Of styles, edits, masks and fractals [0].")
@click.option(
    "--engine", default="local", show_default=True, help="local, workers:N or ray: where it runs."
)
@click.option(
    "--edit-shards", type=int, help="Jobs that share a source's edits [8; 1 for filters]."
)
@click.option("--gpus-per-job", type=float, help="GPUs of one job; a fraction shares one [1].")
@click.option("--ray-address", help="Of a Ray cluster [$RAY_ADDRESS, else a local one].")
@click.option("--shard", metavar="I/N", help="Do the I-th of N parts of the next stage, and stop.")
@click.option("--dry-run", is_flag=True, help="Show the plan and what it would cost, and stop.")
@click.option("--out", help="Folder of runs, sources and tables [runs/table-<data>].")
@json_option
def command(
    pairs: str,
    methods: str,
    seeds: str,
    engine: str,
    edit_shards: int | None,
    gpus_per_job: float | None,
    ray_address: str | None,
    shard: str | None,
    dry_run: bool,
    out: str | None,
    as_json: bool,
    **options: Any,
) -> int:
    """Plan, run and print a table: methods x pairs x seeds in one or more settings.

    What is done is not done again: the same command prints, another seed runs that seed alone.
    Writes table.md, table.csv, runs.csv, table.tex and table.json into the folder. Exit code 1
    where a job failed.
    """
    from genmix_da.augment.sharding import parse_shard
    from genmix_da.cli.show import echo_json
    from genmix_da.cli.table_show import echo_plan, echo_tables
    from genmix_da.engine import parse_engine
    from genmix_da.table.files import as_dict, write_tables
    from genmix_da.table.request import build_request
    from genmix_da.table.run import collect, plan_of, run_plan, run_shard

    runner = parse_engine(engine, gpus_per_job=gpus_per_job, address=ray_address)
    part = parse_shard(shard) if shard else None
    request = build_request(join_genmix(options), pairs, methods, seeds, out, edit_shards)
    plan = plan_of(request)
    if not as_json:
        echo_plan(plan, request, estimated=dry_run or any(plan.missing.values()))
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
    files = write_tables(request.root, summary)
    if as_json:
        echo_json(as_dict(summary))
    else:
        echo_tables(summary, files)
    for label, reason in (*plan.refused, *((item.label, item.reason) for item in failures)):
        click.echo(f"failed: {label}: {reason}", err=True)
    return 1 if failures or plan.refused else 0
