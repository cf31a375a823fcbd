"""genmix-da report"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from genmix_da.cli.place import PLACE, shown


@click.command(name="report")
@click.argument("runs", nargs=-1, required=True, type=PLACE)
@click.option(
    "-o",
    "--out",
    type=PLACE,
    default=Path("report.html"),
    show_default=True,
    help="HTML file to write.",
)
@click.option("--figures", type=PLACE, help="Folder for the figures as SVG and PNG.")
@click.option(
    "--details",
    type=click.IntRange(min=0),
    default=6,
    show_default=True,
    help="At most this many runs one by one; of more, the worst and the best of each setting.",
)
@click.option("--open", "show", is_flag=True, help="Open the page in the browser.")
def command(
    runs: tuple[Path, ...], out: Path, figures: Path | None, details: int, show: bool
) -> None:
    """Write one self-contained HTML page on RUNS: run folders, or a table's folder.

    Scores, tables, learning curves, open-set curves, LEAD's boundaries, feature maps, what GenMix
    did, Grad-CAM, cost and provenance; of pre-trainings the probes. Nothing is loaded from a
    network.
    """
    from genmix_da.reporting import write_report

    page = write_report(
        runs, out, figures=figures, details=details, command=["genmix-da", *sys.argv[1:]]
    )
    click.echo(shown(page))
    if show:
        click.launch(str(page.resolve()))
