"""What a check of a data folder is in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from genmix_da.data.checked import DataReport, DomainReport
    from genmix_da.data.class_match import ClassMatch

_LISTED = 20
_NAMES = 8  # of classes in a sentence
_PAIRWISE = 4  # domains up to which private classes are said pair by pair


def echo_check(report: DataReport) -> None:
    """A table, sentences on the whole, and the files in question, at most 20 of a kind."""
    _echo_table(report)
    for line in summary(report):
        click.echo(line)
    for domain in report.domains:
        _echo_some(list(_domain_lines(domain)), f" in {domain.name}")
    _echo_some(list(_stray(report)))
    _echo_some([f"same bytes in several domains: {', '.join(group)}" for group in report.shared])
    if report.near is not None:
        pairs = [pair for group in report.near.groups for pair in group.pairs]
        _echo_some([f"{cosine:.3f} alike: {one}, {other}" for one, other, cosine in pairs])


def summary(report: DataReport) -> list[str]:
    """What there is to know of the whole, a sentence each."""
    lines = [_files(report), *_classes(report.classes, len(report.domains))]
    for domain in report.domains:
        lines += _of_domain(domain)
    lines += [f"{path}: {reason}, no domain." for path, reason in report.hollow]
    if report.shared:
        lines.append(
            f"{_count(len(report.shared), 'image')} in several domains with the same bytes: a "
            "score on one domain after training on another says too much."
        )
    return lines + list(_verified(report)) + list(_near(report))


def _files(report: DataReport) -> str:
    files = report.files
    kinds = ", ".join(f"{count} {kind}" for kind, count in files.others.items())
    others = sum(files.others.values())
    line = (
        f"Files: {files.total} = {files.read} read + {len(files.skipped)} skipped + "
        f"{_count(len(files.lists), 'list')} + {others} not images{f' ({kinds})' if kinds else ''}"
        f" + {files.hidden} hidden."
    )
    if files.elsewhere:
        more = _count(files.elsewhere, "image")
        line += f" {more} more read from elsewhere, or by a second link."
    return line


def _classes(classes: ClassMatch, domains: int) -> Iterator[str]:
    if not classes.names:
        return
    count = _count(len(classes.names), "class", "classes")
    if domains == 1:
        yield f"{count}."
    elif not classes.missing:
        yield f"{count}, every one in every domain."
    else:
        yield f"{count}, {classes.everywhere} of them in every domain."
    if classes.spelt:
        told = [
            " = ".join(f"{own} ({domain})" for domain, own in _distinct(by_domain))
            for by_domain in classes.spelt.values()
        ]
        yield f"Spelt differently and joined: {_some(told, '; ')}."
    if len({private.domain for private in classes.private} | _others(classes)) <= _PAIRWISE:
        for private in classes.private:
            yield (
                f"In {private.domain} and not in {private.other}: {len(private.classes)} "
                f"({_some(private.classes)})."
            )
    else:
        by_lack: dict[tuple[str, ...], list[str]] = {}
        for name, lacking in classes.missing.items():
            by_lack.setdefault(lacking, []).append(name)
        for lacking, names in by_lack.items():
            yield f"Not in {', '.join(lacking)}: {len(names)} ({_some(names)})."
    if classes.alike:
        told = [
            f"{name!r} ({one}) and {like!r} ({other})" for one, name, other, like in classes.alike
        ]
        yield f"May be one class misspelt: {_some(told, '; ')}."


def _others(classes: ClassMatch) -> set[str]:
    return {private.other for private in classes.private}


def _distinct(by_domain: object) -> list[tuple[str, str]]:
    """The first domain of every spelling."""
    found: dict[str, str] = {}
    for domain, own in dict(by_domain).items():  # type: ignore[call-overload]
        found.setdefault(own, domain)
    return [(domain, own) for own, domain in found.items()]


def _of_domain(domain: DomainReport) -> Iterator[str]:
    if domain.parts:
        told = ", ".join(f"{part} {count}" for part, count in domain.parts.items())
        yield f"{domain.name} has parts: {told} images."
    for part in domain.parts:
        lacking = [f.name for f in domain.class_list if f.images and not f.parts.get(part)]
        if lacking:
            yield f"{domain.name}: no image of {part} is of {_some(lacking)}."
    if domain.single:
        more = len(domain.single) > 1
        yield (
            f"{domain.name} has one image alone of {_some(domain.single)}: "
            f"{'their' if more else 'the'} {'classes' if more else 'class'} can't be split for a "
            "test."
        )
    if domain.across_parts:
        yield (
            f"{domain.name}: {_count(len(domain.across_parts), 'image')} in several parts with the "
            "same bytes: a score on one part after training on another says too much."
        )


def _verified(report: DataReport) -> Iterator[str]:
    found = report.verified
    if found is None:
        return
    for path in found.changed:
        yield (
            f"{path}: other contents under the same size and times since it was decoded; the "
            "decoded images were removed and are made again."
        )
    arrays = _count(found.arrays, "array") + " of decoded images"
    yield (
        f"Verified against {arrays}"
        + (f": {_count(len(found.changed), 'file')} changed." if found.changed else ".")
        + (
            f" {found.others} more in the cache are of other images of these domains (a split, or "
            "files as they were) and were not compared."
            if found.others
            else ""
        )
    )


def _near(report: DataReport) -> Iterator[str]:
    near = report.near
    if near is None:
        return
    if not near.compared:
        yield "--near compares domains and parts; all images, of equal ones the first, are in one."
        return
    pairs = sum(len(group.pairs) for group in near.groups)
    yield (
        f"Near-duplicates across domains and parts (cosine of {near.backbone} features from "
        f"{near.threshold:g}, {near.compared} images): "
        + (f"{_count(pairs, 'pair')} in {_count(len(near.groups), 'group')}." if pairs else "none.")
    )


def _domain_lines(domain: DomainReport) -> Iterator[str]:
    """The files of a domain that are in question."""
    yield from (f"{path}: {reason}" for path, reason in (*domain.unreadable, *domain.left_out))
    yield from (f"{path}: animated, its first frame is used" for path in domain.animated)
    for group in domain.across_parts:
        yield f"same bytes in several parts: {', '.join(group)}"
    across = set(map(frozenset, domain.across_parts))
    for group in domain.duplicates:
        if frozenset(group) not in across:
            yield f"same bytes: {', '.join(group)}"
    for name, found, official in domain.class_differences:
        yield f"{domain.name}/{name}: {found} images, officially {official}"


def _stray(report: DataReport) -> Iterator[str]:
    """What no domain has named already."""
    named = {path for d in report.domains for path, _ in (*d.unreadable, *d.left_out)}
    for path, reason in (*report.files.skipped, *report.files.no_files):
        if path not in named:
            yield f"{path}: {reason}"


def _echo_some(lines: Sequence[str], where: str = "") -> None:
    for line in lines[:_LISTED]:
        click.echo(line)
    if len(lines) > _LISTED:
        click.echo(f"... and {len(lines) - _LISTED} more{where}; --json lists all")


def _some(names: Iterable[str], mark: str = ", ") -> str:
    every = list(names)
    more = f" and {len(every) - _NAMES} more" if len(every) > _NAMES else ""
    return mark.join(every[:_NAMES]) + more


def _count(number: int, one: str, several: str | None = None) -> str:
    return f"{number} {one if number == 1 else several or one + 's'}"


def _echo_table(report: DataReport) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

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
