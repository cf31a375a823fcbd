"""Look a data folder over before it is used: domains, counts, damaged and duplicate files."""

from __future__ import annotations

import hashlib
import io
import os
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from genmix_da.data.domain import Domain, NoImageError
from genmix_da.data.domains import find_domains, load_domain
from genmix_da.data.entries import Reason, is_image
from genmix_da.data.pixels import pil_warnings_ignored, read_image
from genmix_da.errors import UserError
from genmix_da.progress import track
from office_home import class_counts, identify
from office_home.names import key


@dataclass(frozen=True)
class DomainReport:
    """What was found in one domain.

    Attributes:
        name: of the domain.
        images: number of image files.
        classes: number of classes; 0 where it has none.
        official: published number of images, where the data set is known.
        unreadable: (path, reason): zero bytes, truncated, not an image, too many pixels.
        animated: paths; only their first frame is used.
        duplicates: groups of paths with the same bytes.
        other_files: files that are not images and are not used.
        class_differences: (class, found, official) where they differ.
        left_out: (path, reason) of what looks meant and isn't read.
    """

    name: str
    images: int
    classes: int
    official: int | None
    unreadable: tuple[tuple[str, str], ...]
    animated: tuple[str, ...]
    duplicates: tuple[tuple[str, ...], ...]
    other_files: tuple[str, ...]
    class_differences: tuple[tuple[str, int, int], ...]
    left_out: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class DataReport:
    """What was found in a data folder.

    Attributes:
        root: the folder.
        dataset: name of the published data set, or None.
        domains: one report each.
        shared: groups of paths with the same bytes in several domains.
    """

    root: str
    dataset: str | None
    domains: tuple[DomainReport, ...]
    shared: tuple[tuple[str, ...], ...]

    @property
    def clean(self) -> bool:
        """Nothing unreadable or left out, and the official counts where there are any."""
        return not any(
            report.unreadable or report.left_out or report.class_differences
            for report in self.domains
        )


def check_data(root: Path) -> DataReport:
    """Open every image below ROOT and compare with the published counts where they are known.

    Raises:
        UserError: there is no domain, or an image list cannot be read.
    """
    domains = []
    for name in find_domains(root):
        try:
            domains.append(load_domain(root, name))
        except NoImageError:
            continue  # a folder without images is not a domain
    if not domains:
        raise UserError(f"no images under {root}; expected ROOT/<Domain>/<class>/<image>.")
    benchmark = identify(tuple(dict.fromkeys(c for d in domains for c in d.classes)))
    dataset = benchmark.name if benchmark else None
    checked = [_check_domain(domain, dataset) for domain in domains]
    reports = tuple(report for report, _ in checked)
    return DataReport(str(root), dataset, reports, _shared([own for _, own in checked]))


def _shared(held: Sequence[Mapping[str, Sequence[str]]]) -> tuple[tuple[str, ...], ...]:
    """The paths of every content that several domains hold."""
    counted = Counter(digest for own in held for digest in own)
    return tuple(
        tuple(path for own in held for path in own.get(digest, ()))
        for digest, count in counted.items()
        if count > 1
    )


def _inspect(path: Path) -> tuple[str | None, bool, str]:
    """(what is wrong or None, animated, SHA-256 of the bytes) of one file."""
    try:
        content = path.read_bytes()
    except OSError as error:
        return error.strerror or "unreadable", False, ""
    digest = hashlib.sha256(content).hexdigest()
    try:
        read_image(content)
    except ValueError as error:
        return str(error), False, digest
    with Image.open(io.BytesIO(content)) as image:
        return None, bool(getattr(image, "is_animated", False)), digest


def _check_domain(
    domain: Domain, dataset: str | None
) -> tuple[DomainReport, Mapping[str, Sequence[str]]]:
    """The report, and the paths of every content."""
    unreadable: list[tuple[str, str]] = []
    animated: list[str] = []
    by_digest: dict[str, list[str]] = defaultdict(list)
    with pil_warnings_ignored(), ThreadPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(_inspect, domain.images)
        progress = track(found, f"checking {domain.name}", len(domain.images))
        for path, (problem, moves, digest) in zip(domain.images, progress, strict=True):
            if problem is not None:
                unreadable.append((str(path), problem))
            if moves:
                animated.append(str(path))
            if digest and problem != "zero bytes":
                by_digest[digest].append(str(path))
    official, differences = _compare(domain, dataset)
    report = DomainReport(
        domain.name,
        len(domain.images),
        len(domain.classes),
        official,
        tuple(unreadable),
        tuple(animated),
        tuple(tuple(group) for group in by_digest.values() if len(group) > 1),
        tuple(_other_files(domain.folder)),
        differences,
        domain.left_out,
    )
    return report, by_digest


def _other_files(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    return [str(p) for p in sorted(folder.rglob("*")) if p.is_file() and not is_image(p)]


def _compare(
    domain: Domain, dataset: str | None
) -> tuple[int | None, tuple[tuple[str, int, int], ...]]:
    """Official total, and the classes whose counts differ from it."""
    try:
        table = class_counts(dataset or "")
    except KeyError:
        return None, ()
    columns = {key(str(column)): column for column in table.columns}
    if key(domain.name) not in columns:
        return None, ()
    official = {key(str(c)): int(n) for c, n in table[columns[key(domain.name)]].items()}
    found: dict[str, int] = dict.fromkeys(official, 0)
    names = {key(name): name for name in domain.classes}
    for label in domain.labels or ():
        found[key(label)] += 1
    differences = tuple(
        (names.get(c, c), found[c], official[c]) for c in official if found[c] != official[c]
    )
    return sum(official.values()), differences
