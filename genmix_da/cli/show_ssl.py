"""How a pre-training and a probe of it are printed."""

from __future__ import annotations

import sys
from typing import Any

import click

from genmix_da.cli.show import echo_warnings, percent


def echo_pretraining(result: dict[str, Any]) -> None:
    """What became of the training, and whether its projections have collapsed."""
    last, timing, folder = result["last_epoch"], result["timing"], result["made"] or {}
    click.echo(f"{result['dataset']}, {result['method']}, seed {result['seed']}")
    click.echo(
        f"{result['images']['train']} images, {timing['steps']} steps in "
        f"{timing['seconds']['train']:.0f} s"
        + (f", images made in {timing['seconds']['generate']:.0f} s" if folder else "")
    )
    click.echo(
        f"loss {last['loss']:.4f} after epoch {last['epoch']}; spread of the projections "
        f"{last['feature_std']:.4f} (collapsed 0, even {last['even_std']:.4f})"
    )
    click.echo("What was learned: genmix-da ssl probe.")
    echo_warnings(result)


def echo_probe(found: dict[str, Any]) -> None:
    """Top-1 of both probes, of the trained backbone and of the one it began as."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(found["dataset"]), title_justify="left")
    table.add_column("top-1, percent")
    table.add_column("nearest neighbours", justify="right")
    table.add_column("linear probe", justify="right")
    for name, key in (("pre-trained", "trained"), ("before pre-training", "start")):
        scores = found[key]
        if scores is not None:
            table.add_row(name, percent(scores["knn"]), percent(scores["linear"]))
    for row in found["published"]:
        name = f"published: {row['method']} ({row['source']}; protocol not stated)"
        table.add_row(escape(name), "", percent(row["top1"]))
    Console(width=None if sys.stdout.isatty() else 120).print(table)
    images = found["images"]
    click.echo(
        f"{found['classes']} classes, {images['train']} training and {images['test']} test images; "
        f"{found['neighbours']} neighbours vote"
    )
    if found["seen"]:
        click.echo(f"{found['seen']} test images were seen in pre-training, without their labels.")
    if found["synthetic"]:
        click.echo("SYNTHETIC DATA: Mini Office-Home is drawn; these numbers compare with nothing.")
