"""genmix-da predict"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genmix_da.cli.options import checkpoint_options, json_option
from genmix_da.cli.place import PLACE, shown


@click.command(name="predict")
@click.argument("checkpoint", type=PLACE)
@click.argument("folder")
@click.option(
    "--out",
    type=PLACE,
    default=Path("predictions.csv"),
    show_default=True,
    help="CSV file to write.",
)
@click.option(
    "--calibrate",
    is_flag=True,
    help="Take the images together: neighbours among them, thresholds anew by the stored rules.",
)
@click.option(
    "--probabilities",
    type=PLACE,
    help="Also write all class probabilities to this .npz file.",
)
@click.option("--strict", is_flag=True, help="More than 5 % unreadable images are an error.")
@checkpoint_options
@json_option
def command(checkpoint: Path, folder: str, out: Path, as_json: bool, **options: Any) -> None:
    """Classify the images in FOLDER with CHECKPOINT (a run folder or a .safetensors file).

    Of adapt, of source, or of classify train: that one rejects with --threshold alone.

    FOLDER may be one image, a list of images, or datasets:NAME. Images that can't be read are named
    and left out.
    """
    from genmix_da.cli.show import echo_json
    from genmix_da.use.predict import predict

    found = predict(checkpoint, folder, out, **options)
    if as_json:
        echo_json(found)
    else:
        graphed = f" ({found['graph']['unknown']} with +graph)" if found["graph"] else ""
        skipped = f", {found['skipped']} skipped" if found["skipped"] else ""
        click.echo(
            f"{found['images']} images, {found['unknown']} unknown{graphed}{skipped}: "
            f"{shown(found['out'])}"
        )
