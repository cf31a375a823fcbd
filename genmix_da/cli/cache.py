"""genmix-da cache"""

from __future__ import annotations

import time

import click

from genmix_da.cli.options import json_option


@click.group(name="cache")
def command() -> None:
    """List, verify and prune what is kept between runs; all of it can be made again."""


def _mib(size: int) -> str:
    return f"{size / 2**20:,.1f} MiB"


@command.command(name="list")
@json_option
def list_(as_json: bool) -> None:
    """Show what the cache holds, how large it is, and when it was last used."""
    import dataclasses

    from genmix_da.caches import list_caches
    from genmix_da.cli.show import echo_json
    from genmix_da.places import cache_folder

    held = list_caches()
    if as_json:
        echo_json(
            {"folder": str(cache_folder()), "kinds": [dataclasses.asdict(kind) for kind in held]}
        )
        return
    click.echo(cache_folder())
    for kind in held:
        days = "" if kind.used is None else f"{(time.time() - kind.used) / 86400:5.0f} days ago"
        click.echo(
            f"{kind.kind:18}{kind.files:9,} files{_mib(kind.size):>16}{days:>16}  {kind.what}"
        )
    files, size = sum(kind.files for kind in held), sum(kind.size for kind in held)
    click.echo(f"{'all':18}{files:9,} files{_mib(size):>16}")


@command.command()
@click.option("--older-than", help="Neither read nor written for so long: 12h, 30d, 2w.")
@click.option("--kind", "kinds", multiple=True, help="Of this kind alone (see list); repeatable.")
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and stop.")
@json_option
def prune(older_than: str | None, kinds: tuple[str, ...], dry_run: bool, as_json: bool) -> None:
    """Remove what is old, or all of a kind."""
    from genmix_da import caches
    from genmix_da.cli.show import echo
    from genmix_da.errors import UserError

    if not older_than and not kinds:
        raise UserError("nothing says what to remove; give --older-than AGE, --kind KIND or both.")
    age = caches.seconds_of(older_than) if older_than else 0.0
    files, size = caches.prune(kinds, age, remove=not dry_run)
    what = "would be removed" if dry_run else "removed"
    echo(
        {"files": files, "bytes": size, "removed": not dry_run},
        lambda found: click.echo(f"{found['files']:,} files, {_mib(found['bytes'])} {what}"),
        as_json=as_json,
    )


@command.command()
@json_option
@click.pass_context
def verify(context: click.Context, as_json: bool) -> None:
    """Hold every file against its checksum; damaged ones are removed (exit 1) and made again."""
    from genmix_da import caches
    from genmix_da.cli.show import echo

    count, damaged = caches.verify(remove=True)

    def say(found: dict[str, object]) -> None:
        for path in damaged:
            click.echo(f"damaged and removed: {path}")
        click.echo(f"{count:,} files, {len(damaged)} damaged")

    echo({"files": count, "damaged": [str(path) for path in damaged]}, say, as_json=as_json)
    context.exit(1 if damaged else 0)
