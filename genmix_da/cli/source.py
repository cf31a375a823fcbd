"""genmix-da source"""

from __future__ import annotations

from typing import Any

import click

from genmix_da.cli.augment_options import augment_seed_option, genmix_options, join_genmix
from genmix_da.cli.options import json_option, model_options


@click.command(name="source")
@click.option("--src", help="Labelled source domain: folder name, alias or unique beginning.")
@click.option("--tgt", help="A target, where the label sets depend on it.")
@model_options
@genmix_options
@augment_seed_option
@click.option("--out", default="runs/sources", show_default=True, help="Folder of source models.")
@json_option
def command(as_json: bool, **options: Any) -> None:
    """Train the source model once; `adapt` with the same settings reuses it for every target.

    An interrupted training goes on by itself at the last finished epoch.
    """
    from genmix_da.adaptation.run import train_source_model
    from genmix_da.cli.show import echo

    record = train_source_model(**join_genmix(options))
    echo(record, lambda record: click.echo(record["folder"]), as_json=as_json)
