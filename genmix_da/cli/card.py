"""genmix-da card"""

from __future__ import annotations

from pathlib import Path

import click

from genmix_da.cli.place import PLACE, shown


@click.command(name="card")
@click.argument("run", type=PLACE)
@click.option("--out", type=PLACE, help="File [README.md in the folder].")
@click.option("--license", "licence", help="Identifier for the card, e.g. apache-2.0.")
def command(run: Path, out: Path | None, licence: str | None) -> None:
    """Write the model card of RUN, or the data card of a folder that augment made."""
    from genmix_da.sharing.push import write_card

    click.echo(shown(write_card(run, out, licence)))
