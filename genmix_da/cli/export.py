"""genmix-da export"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genmix_da.cli.options import json_option
from genmix_da.cli.place import PLACE, shown


@click.command(name="export")
@click.argument("checkpoint", type=PLACE)
@click.option("--to", default="onnx", show_default=True, help="onnx, torch-export or torchscript.")
@click.option("--out", help="File [model.onnx, .pt2 or .pt in the run folder].")
@click.option(
    "--graph",
    is_flag=True,
    help="Decide beside the target's images: their features go into the file.",
)
@click.option("--weights", help="Of a frozen backbone, where its file or folder has moved.")
@json_option
def command(checkpoint: Path, as_json: bool, **options: Any) -> None:
    """Write CHECKPOINT (a run folder or a .safetensors file) as one file for other programs.

    uint8 RGB pictures [N, H, W, 3] in; probability, uncertainty and rejected out. Preprocessing and
    threshold are inside. The file is held against the checkpoint on images of the run, or on drawn
    ones where none is at hand.
    """
    from genmix_da.cli.show import echo_json
    from genmix_da.use.export.write import export

    found = export(checkpoint, **options)
    if as_json:
        echo_json(found.as_dict())
        return
    graph = f", {found.graph_size / 2**20:.1f} MiB of it the graph" if found.graph_size else ""
    click.echo(f"{shown(found.file)} ({found.format}, {found.size / 2**20:.1f} MiB{graph})")
    which = "drawn pictures" if found.drawn else "images of the run"
    click.echo(
        f"same decisions on {found.images} {which}; the largest difference of a probability is "
        f"{found.difference:.1e}"
    )
