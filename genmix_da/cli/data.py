"""genmix-da data"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genmix_da.cli.data_get import get
from genmix_da.cli.near import check_alone, find_near, near_encoder, near_options
from genmix_da.cli.options import json_option
from genmix_da.cli.place import DISK, PLACE, shown


@click.group(name="data")
def command() -> None:
    """Check a data folder; get a published data set; make Mini Office-Home."""


command.add_command(get)


@command.command()
@click.argument("folder")
@near_options
@click.option(
    "--verify", is_flag=True, help="Compare contents with the decoded images in the cache."
)
@click.option(
    "--html",
    "page",
    type=PLACE,
    help="Write one HTML page: a picture of every class in every domain.",
)
@json_option
@click.pass_context
def check(
    context: click.Context,
    folder: str,
    near: float | None,
    backbone: str | None,
    backbone_arguments: dict[str, Any],
    weights: str | None,
    device: str | None,
    verify: bool,
    page: Path | None,
    as_json: bool,
) -> None:
    """Open every image in FOLDER; exit 0 where all is well, 1 where something needs mending.

    FOLDER holds domains, or classes, or is a list of images. Every file is accounted for: read,
    left out with its reason, or no image. Says what the domains' classes have in common, which
    images are in several domains or parts, and how the counts compare with the published ones.
    """
    import dataclasses

    from genmix_da.cli.data_show import echo_check, summary
    from genmix_da.cli.show import echo_json
    from genmix_da.data.check import look_over
    from genmix_da.data.hub import local
    from genmix_da.data.verify import verify as verified
    from genmix_da.reporting.data_page import write_data_page
    from genmix_da.reporting.html import page_file

    of_near = {"backbone": backbone, "weights": weights, "device": device}
    check_alone(near, **of_near, backbone_arguments=backbone_arguments)
    if page is not None:
        page = page_file(page, "--html")
    encoder = None if near is None else near_encoder(arguments=backbone_arguments, **of_near)
    checked = look_over(local(folder))
    report = checked.report
    if verify:
        found = verified(checked.everything.held, checked.digests)
        report = dataclasses.replace(report, verified=found)
    if near is not None and encoder is not None:
        report = dataclasses.replace(report, near=find_near(checked, near, encoder))
    if page is not None:
        write_data_page(dataclasses.replace(checked, report=report), page, summary(report))
    if as_json:
        echo_json(dataclasses.asdict(report) | {"clean": report.clean})
    else:
        echo_check(report)
        if page is not None:
            click.echo(shown(page))
    context.exit(0 if report.clean else 1)


@command.command()
@click.option("--sheet", type=DISK, help="Write a contact sheet (PNG).")
@click.option("--out", type=DISK, help="Make the set in this folder.")
def mini(sheet: Path | None, out: Path | None) -> None:
    """Make Mini Office-Home: drawn images, synthetic, for a first run without data."""
    from genmix_da.data.root import mini_office_home

    if sheet is not None:
        from office_home.mini import contact_sheet

        sheet.parent.mkdir(parents=True, exist_ok=True)
        click.echo(contact_sheet(sheet))
    if out is not None:
        from genmix_da.errors import UserError
        from office_home.mini import make

        try:
            click.echo(make(out))
        except FileExistsError as error:
            raise UserError(f"{error} Choose another --out.") from error
    elif sheet is None:
        click.echo(mini_office_home())
