"""genmix-da serve"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genmix_da.cli.place import PLACE


@click.command(name="serve")
@click.argument("checkpoint", type=PLACE)
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address; 0.0.0.0 lets others in."
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="0: any that is free.",
)
@click.option(
    "--threshold", type=float, help="Reject above this uncertainty [the checkpoint's own]."
)
@click.option("--graph", is_flag=True, help="Decide beside the target's images that the run left.")
@click.option(
    "--max-images",
    type=click.IntRange(1, 1000),
    default=16,
    show_default=True,
    help="Pictures a request.",
)
@click.option(
    "--max-megabytes", type=float, default=25.0, show_default=True, help="Of one picture."
)
@click.option(
    "--max-megapixels", type=float, default=100.0, show_default=True, help="Of one picture."
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@click.option("--weights", help="Of a frozen backbone, where its file or folder has moved.")
def command(checkpoint: Path, **options: Any) -> None:
    """Serve CHECKPOINT (a run folder or a .safetensors file) until Ctrl-C: a page, and JSON.

    The page takes pictures and shows class, uncertainty, whether they are rejected as unknown, and
    what the network looks at. Programs send a form: curl -F files=@photo.jpg .../predict
    """
    from genmix_da.serving.run import serve

    serve(checkpoint, **options)
