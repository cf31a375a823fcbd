"""genmix-da push"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genmix_da.cli.place import PLACE


@click.command(name="push")
@click.argument("run", type=PLACE)
@click.argument("repository")
@click.option(
    "--private/--public", default=True, show_default=True, help="Of a repository that is made."
)
@click.option("--license", "licence", help="Identifier for the card, e.g. apache-2.0.")
@click.option(
    "--graph/--no-graph",
    default=True,
    show_default=True,
    help="With the run's graph: features of every target image.",
)
@click.option("--stage", help="Write what would be sent to this new folder; send nothing.")
def command(run: Path, repository: str, **options: Any) -> None:
    """Send RUN to the hub as REPOSITORY (OWNER/NAME), with a model card.

    RUN is the folder of a finished run, or one that augment made, which becomes a data set. Others
    load it by its name: genmix-da predict hub:OWNER/NAME photos. Of the paths in all records the
    last part alone is sent.
    """
    from genmix_da.sharing.push import push

    click.echo(push(run, repository, **options))
