"""genmix-da evaluate"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genmix_da.cli.options import checkpoint_options, json_option, part_option
from genmix_da.cli.place import PLACE


@click.command(name="evaluate")
@click.argument("checkpoint", type=PLACE)
@click.option("--tgt", required=True, help="Labelled domain: name, alias or folder.")
@click.option("--data", help="Folder of domains [$GENMIX_DA_DATA, else Mini Office-Home].")
@part_option
@checkpoint_options
@json_option
def command(checkpoint: Path, as_json: bool, **options: Any) -> None:
    """Score CHECKPOINT (a run folder or a .safetensors file) on a labelled domain.

    Of adapt, of source, or of classify train, whose scores are top-1 and top-5.
    """
    from genmix_da.cli.show import echo_json, echo_scores
    from genmix_da.use.evaluate import evaluate

    found = evaluate(checkpoint, **options)
    if as_json:
        echo_json(found)
        return
    if "top1" in found["scores"]:
        columns = (("top-1", "top1"), ("top-5", "top5"))
        echo_scores(
            f"{found['target']}, {found['images']} images", {"checkpoint": found["scores"]}, columns
        )
        return
    rows = {}
    for name, block in (("checkpoint", found), ("+graph", found["graph"])):
        if block:
            limit = block["threshold"]
            rows[name if limit is None else f"{name}, threshold {limit:.3g}"] = block["scores"]
    echo_scores(f"{found['target']}, {found['images']} images", rows)
    if found["synthetic"]:
        click.echo("SYNTHETIC DATA: Mini Office-Home is drawn; these numbers compare with nothing.")
