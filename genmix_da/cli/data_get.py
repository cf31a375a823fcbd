"""genmix-da data get"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from genmix_da.cli.options import json_option
from genmix_da.cli.place import DISK

if TYPE_CHECKING:
    from genmix_da.data.published_counts import Comparison
    from genmix_da.data.published_sets import PublishedSet

_LISTED = 20


@click.command()
@click.argument("name", required=False)
@click.option(
    "--from",
    "sources",
    multiple=True,
    help="Archive, folder, datasets:NAME or URL; repeated where there are several archives.",
)
@click.option("--download", is_flag=True, help="Fetch it from where it is published, or the hub.")
@click.option("--accept-terms", is_flag=True, help="You have read the terms of use and keep them.")
@click.option("--out", type=DISK, help="Folder that becomes ROOT.")
@click.option("--domains", help="These alone, with commas between [all].")
@json_option
@click.pass_context
def get(
    context: click.Context,
    name: str | None,
    sources: tuple[str, ...],
    download: bool,
    accept_terms: bool,
    out: Path | None,
    domains: str | None,
    as_json: bool,
) -> None:
    """Get the published data set NAME, or say where it is got; without NAME list those known.

    Archives are held against their checksum, where one is known, and unpacked to
    OUT/<Domain>/<class>/<image>. Then OUT is looked over as by `data check`, and compared with the
    published counts: exit 0 where all is well, 1 where something differs. With --out alone what is
    there is compared.
    """
    from genmix_da.data.obtain import chosen_domains
    from genmix_da.data.published_sets import SETS, published_set
    from genmix_da.errors import UserError

    if name is None:
        if sources or download or out is not None:
            raise UserError(f"which data set? Name one of {', '.join(SETS)}.")
        _list(as_json=as_json)
        return
    published = published_set(name)
    chosen = chosen_domains(published, domains)
    if sources and download:
        raise UserError("--from and --download are two sources; give one of them.")
    if not (sources or download or out is not None):
        _describe(published, as_json=as_json)
        return
    if out is None:
        raise UserError("--out is missing: the folder that the data set is written to.")
    if sources or download:
        _obtain(published, sources, chosen, out, accepted=accept_terms)
    context.exit(_look_over(published, out, chosen, as_json=as_json))


def _obtain(
    published: PublishedSet,
    sources: tuple[str, ...],
    domains: tuple[str, ...],
    out: Path,
    *,
    accepted: bool,
) -> None:
    from genmix_da.data.obtain import is_fetched, obtain, sources_of
    from genmix_da.errors import UserError
    from genmix_da.places import user_path

    chosen = list(sources) or sources_of(published, domains)
    if any(map(is_fetched, chosen)) and not accepted:
        raise UserError(
            f"nothing was downloaded: the terms of {published.title} are: {published.terms} "
            f"Read them at {published.home}; who keeps them adds --accept-terms."
        )
    obtain(published, chosen, user_path(out), domains)


def _look_over(
    published: PublishedSet, out: Path, domains: tuple[str, ...], *, as_json: bool
) -> int:
    """Check and compare what is there; returns the exit code."""
    import dataclasses

    from genmix_da.cli.data_show import echo_check
    from genmix_da.cli.show import echo_json
    from genmix_da.data.check import check_data
    from genmix_da.data.published_counts import compare
    from genmix_da.errors import UserError
    from genmix_da.places import user_path

    root = user_path(out)
    if not root.is_dir():
        raise UserError(f"{out} is not there; add --from or --download.")
    report = check_data(root)
    compared = compare(published, report, domains)
    clean = report.clean and not compared.differences
    if as_json:
        told = dataclasses.asdict(compared) | {"proof": compared.proof, "clean": clean}
        told |= {"name": published.name, "folder": str(root)}
        told["report"] = dataclasses.asdict(report) | {"clean": report.clean}
        echo_json(told)
    else:
        echo_check(report)
        for line in _verdict(published, compared):
            click.echo(line)
    return 0 if clean else 1


def _verdict(published: PublishedSet, compared: Comparison) -> Iterator[str]:
    yield from compared.differences[:_LISTED]
    if len(compared.differences) > _LISTED:
        yield f"... and {len(compared.differences) - _LISTED} more; --json lists all"
    if compared.differences:
        yield f"This is not {published.title} as published: see above."
    elif compared.level == "class":
        yield f"The images of every class in every domain are as many as published: {_PROVED}"
    elif compared.level == "domain":
        yield f"The images of every domain are as many as published: {_PROVED}"
    else:
        yield "The domains and the number of classes are right; no counts are published to compare."


_PROVED = "the counts are the proof."


def _list(*, as_json: bool) -> None:
    from genmix_da.cli.show import echo_json
    from genmix_da.data.published_sets import SETS

    if as_json:
        echo_json([_facts(published) for published in SETS.values()])
        return
    for published in SETS.values():
        how = "--download" if published.downloads else "with a browser"
        images = f"{sum(published.images.values()):,} images" if published.images else ""
        click.echo(
            f"{published.name:18} {len(published.domains)} domains {published.classes:4} classes "
            f"{images:>15}  {how:15} {published.home}"
        )
    click.echo("genmix-da data get NAME says where each is got, and under which terms.")


def _describe(published: PublishedSet, *, as_json: bool) -> None:
    """Where it is got and what to type then."""
    from genmix_da.cli.show import echo_json

    if as_json:
        echo_json(_facts(published))
        return
    click.echo(f"{published.title}: {published.paper}")
    click.echo(f"  {', '.join(published.domains)}; {published.classes} classes")
    rows = [("home", published.home), ("terms", published.terms)]
    for archive in published.archives:
        checksum = f"MD5 {archive.md5}" if archive.md5 else "no checksum is published"
        rows.append(("archive", f"{archive.name}, {checksum}"))
    if published.mirror:
        rows.append(("hub", f"datasets:{published.mirror}"))
    rows += [("note", published.note)] if published.note else []
    for what, text in rows:
        click.echo(f"  {what:8} {text}")
    command = f"genmix-da data get {published.name}"
    files = " ".join(f"--from {a.name}" for a in published.archives) or "--from FOLDER"
    click.echo(f"With a browser: {published.by_hand}; then")
    click.echo(f"  {command} {files} --out DIR")
    if published.downloads:
        click.echo("Without a browser, for those who accept the terms:")
        click.echo(f"  {command} --download --accept-terms --out DIR")


def _facts(published: PublishedSet) -> dict[str, Any]:
    import dataclasses

    return dataclasses.asdict(published)
