"""genmix-da source"""

from __future__ import annotations

from typing import Any

import click

from genmix_da.cli import groups
from genmix_da.cli.augment_options import augment_seed_option, genmix_options, join_genmix
from genmix_da.cli.options import json_option, model_options
from genmix_da.cli.profile_help import ProfileCommand


@click.command(name="source", cls=ProfileCommand)
@groups.data("--src", help="Labelled source domain: folder name, alias or unique beginning.")
@groups.data("--tgt", help="A target, where the label sets depend on it.")
@model_options
@genmix_options
@augment_seed_option
@groups.running("--out", default="runs/sources", show_default=True, help="Folder of source models.")
@groups.running("--devices", help="Several GPUs share the batches, e.g. 0,1 [that of --device].")
@json_option
def command(as_json: bool, **options: Any) -> None:
    """Train the source model once; `adapt` with the same settings reuses it for every target.

    An interrupted training goes on by itself at the last finished epoch.
    """
    from genmix_da.adaptation.run import train_source_model
    from genmix_da.cli.show import echo

    record = train_source_model(**join_genmix(options)).as_dict()
    echo(record, lambda record: click.echo(record["folder"]), as_json=as_json)
