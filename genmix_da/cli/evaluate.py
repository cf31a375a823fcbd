"""genmix-da evaluate"""

from __future__ import annotations

from pathlib import Path

import click

from genmix_da.cli.options import json_option


@click.command(name="evaluate")
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.option("--tgt", required=True, help="Labelled domain: name, alias or folder.")
@click.option("--data", help="Folder of domains [$GENMIX_DA_DATA, else Mini Office-Home].")
@click.option("--threshold", help="A number, auto or otsu[:FLOOR] [the checkpoint's].")
@click.option("--graph/--no-graph", default=True, help="Judge beside the target's images as well.")
@click.option("--weights", help="Of a frozen backbone, where its file or folder has moved.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@json_option
def command(
    checkpoint: Path,
    tgt: str,
    data: str | None,
    threshold: str | None,
    graph: bool,
    weights: str | None,
    device: str,
    as_json: bool,
) -> None:
    """Score CHECKPOINT (a run folder or a .safetensors file) on a labelled domain."""
    from genmix_da.adaptation.inference import evaluate_checkpoint
    from genmix_da.cli.show import echo_json, echo_scores

    found = evaluate_checkpoint(
        checkpoint,
        tgt=tgt,
        data=data,
        threshold=threshold,
        graph=graph,
        device=device,
        weights=weights,
    )
    if as_json:
        echo_json(found)
        return
    rows = {f"checkpoint, threshold {found['threshold']:.3g}": found["scores"]}
    if found["graph"]:
        rows[f"+graph, threshold {found['graph']['threshold']:.3g}"] = found["graph"]["scores"]
    echo_scores(f"{found['target']}, {found['images']} images", rows)
    if found["synthetic"]:
        click.echo("SYNTHETIC DATA: Mini Office-Home is drawn; these numbers compare with nothing.")
