"""genmix-da data"""

from __future__ import annotations

from pathlib import Path

import click

from genmix_da.cli.options import json_option

_LISTED = 20


@click.group(name="data")
def command() -> None:
    """Check a data folder; make Mini Office-Home."""


@command.command()
@click.argument("folder", type=click.Path(path_type=Path))
@json_option
@click.pass_context
def check(context: click.Context, folder: Path, as_json: bool) -> None:
    """Open every image in FOLDER; exit 0 where all is well, 1 where something needs mending.

    Lists unreadable, truncated, zero-byte, animated and duplicate files and what is left out, and
    compares the counts with the published ones where the data set is known.
    """
    import dataclasses

    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from genmix_da.cli.show import echo_json
    from genmix_da.data.check import check_data

    report = check_data(folder)
    if as_json:
        echo_json(dataclasses.asdict(report) | {"clean": report.clean})
        context.exit(0 if report.clean else 1)
    table = Table(title=escape(f"{report.root}: {report.dataset or 'no published data set'}"))
    for name in (
        *("domain", "classes", "images", "official"),
        *("unreadable", "animated", "duplicates", "other files"),
    ):
        table.add_column(name, justify="left" if name == "domain" else "right")
    for domain in report.domains:
        table.add_row(
            escape(domain.name),
            str(domain.classes),
            str(domain.images),
            "n/a" if domain.official is None else str(domain.official),
            str(len(domain.unreadable)),
            str(len(domain.animated)),
            str(sum(len(group) for group in domain.duplicates)),
            str(len(domain.other_files)),
        )
    Console(width=None if Console().is_terminal else 100).print(table)
    for domain in report.domains:
        lines = [f"{path}: {reason}" for path, reason in (*domain.unreadable, *domain.left_out)]
        lines += [f"{path}: animated, its first frame is used" for path in domain.animated]
        lines += [f"same bytes: {', '.join(group)}" for group in domain.duplicates]
        lines += [
            f"{domain.name}/{name}: {found} images, officially {official}"
            for name, found, official in domain.class_differences
        ]
        for line in lines[:_LISTED]:
            click.echo(line)
        if len(lines) > _LISTED:
            click.echo(f"... and {len(lines) - _LISTED} more in {domain.name}; --json lists all")
    for group in report.shared[:_LISTED]:
        click.echo(f"same bytes in several domains: {', '.join(group)}")
    if len(report.shared) > _LISTED:
        click.echo(f"... and {len(report.shared) - _LISTED} more; --json lists all")
    context.exit(0 if report.clean else 1)


@command.command()
@click.option("--sheet", type=click.Path(path_type=Path), help="Write a contact sheet (PNG).")
@click.option("--out", type=click.Path(path_type=Path), help="Make the set in this folder.")
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
