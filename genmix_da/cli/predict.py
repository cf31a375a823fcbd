"""genmix-da predict"""

from __future__ import annotations

from pathlib import Path

import click

from genmix_da.cli.options import json_option


@click.command(name="predict")
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("predictions.csv"),
    show_default=True,
    help="CSV file to write.",
)
@click.option("--threshold", help="A number, auto or otsu[:FLOOR] [the checkpoint's].")
@click.option("--graph/--no-graph", default=True, help="Judge beside the target's images as well.")
@click.option(
    "--calibrate",
    is_flag=True,
    help="Take the images together: neighbours among them, thresholds anew by the stored rules.",
)
@click.option("--weights", help="Of a frozen backbone, where its file or folder has moved.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@json_option
def command(
    checkpoint: Path,
    folder: Path,
    out: Path,
    threshold: str | None,
    graph: bool,
    calibrate: bool,
    weights: str | None,
    device: str,
    as_json: bool,
) -> None:
    """Classify the images in FOLDER with CHECKPOINT (a run folder or a .safetensors file)."""
    from genmix_da.adaptation.inference import predict_folder
    from genmix_da.cli.show import echo_json

    found = predict_folder(
        checkpoint,
        folder,
        out,
        threshold=threshold,
        calibrate=calibrate,
        graph=graph,
        device=device,
        weights=weights,
    )
    if as_json:
        echo_json(found)
    else:
        graphed = f" ({found['graph']['unknown']} with +graph)" if found["graph"] else ""
        click.echo(f"{found['images']} images, {found['unknown']} unknown{graphed}: {found['out']}")
