"""Look a data folder over before it is used: its files, domains, classes and contents."""

from __future__ import annotations

import hashlib
import io
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from genmix_da.data.accounts import account
from genmix_da.data.checked import HOLLOW, ClassFound, DataReport, DomainReport, Group
from genmix_da.data.class_match import match_classes
from genmix_da.data.domain import Domain
from genmix_da.data.entries import is_image, subfolders
from genmix_da.data.everything import Everything, Held, read_everything
from genmix_da.data.opening import opened
from genmix_da.data.pixels import pil_warnings_ignored, read_image
from genmix_da.progress import track
from office_home import class_counts, identify
from office_home.names import key


@dataclass(frozen=True)
class Content:
    """What the bytes of an image file are.

    Attributes:
        problem: why it can't be read, or None.
        moves: it is animated.
        digest: SHA-256; "" where there are no bytes.
    """

    problem: str | None
    moves: bool
    digest: str


@dataclass(frozen=True)
class Checked:
    """A folder that was looked over.

    Attributes:
        report: what to say of it.
        everything: what it holds.
        contents: of each image.
    """

    report: DataReport
    everything: Everything
    contents: Mapping[Path, Content]

    @property
    def digests(self) -> dict[Path, str]:
        """SHA-256 of each image that can be read."""
        return {p: content.digest for p, content in self.contents.items() if not content.problem}


def check_data(root: Path) -> DataReport:
    """Open every image below ROOT and compare with the published counts where they are known.

    Args:
        root: folder of domains, one data set of class folders, or a list.

    Raises:
        UserError: there is no domain, or an image list cannot be read.
    """
    return look_over(root).report


def look_over(root: Path) -> Checked:
    """`check_data`, with what else can be asked of the images then.

    Raises:
        UserError: see `check_data`.
    """
    everything = read_everything(root)
    held = everything.held
    contents: dict[Path, Content] = {}
    for one in held:
        contents |= _inspected(one.domain, contents)
    benchmark = identify(tuple(dict.fromkeys(c for one in held for c in one.domain.classes)))
    dataset = benchmark.name if benchmark else None
    problems = {path: found.problem for path, found in contents.items() if found.problem}
    report = DataReport(
        str(root),
        dataset,
        tuple(_domain_report(one, contents, dataset) for one in held),
        _same_bytes(contents, {one.domain.name: one.domain.images for one in held}),
        everything.one,
        account(everything, problems),
        match_classes(one.domain for one in held),
        tuple((str(path), _hollow(path)) for path in everything.hollow),
    )
    return Checked(report, everything, contents)


def _inspected(domain: Domain, known: Mapping[Path, Content]) -> dict[Path, Content]:
    """The contents of a domain's images that are not known yet."""
    new = [path for path in dict.fromkeys(domain.images) if path not in known]
    with pil_warnings_ignored(), ThreadPoolExecutor(os.cpu_count()) as pool:
        found = track(pool.map(_inspect, new), f"checking {domain.name}", len(new))
        return dict(zip(new, found, strict=True))


def _same_bytes(
    contents: Mapping[Path, Content], places: Mapping[str, Iterable[Path]]
) -> tuple[Group, ...]:
    """The paths of every content that lies in several places: domains, or parts of one."""
    held: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for place, paths in places.items():
        for path in paths:
            if _has_bytes(contents[path]):
                held[contents[path].digest][place].append(str(path))
    return tuple(
        tuple(path for paths in by_place.values() for path in paths)
        for by_place in held.values()
        if len(by_place) > 1
    )


def _has_bytes(content: Content) -> bool:
    return bool(content.digest) and content.problem != "zero bytes"


def _hollow(folder: Path) -> str:
    """What a folder without an image is where domains are expected; class folders look meant."""
    return HOLLOW if subfolders(folder) else "no image"


def _inspect(path: Path) -> Content:
    try:
        content = path.read_bytes()
    except OSError as error:
        return Content(error.strerror or "unreadable", False, "")
    digest = hashlib.sha256(content).hexdigest()
    try:
        read_image(content)
    except ValueError as error:
        return Content(str(error), False, digest)
    with opened(io.BytesIO(content)) as image:
        return Content(None, bool(getattr(image, "is_animated", False)), digest)


def _domain_report(
    held: Held, contents: Mapping[Path, Content], dataset: str | None
) -> DomainReport:
    domain = held.domain
    found = {path: contents[path] for path in domain.images}
    good = [path for path, content in found.items() if content.problem is None]
    by_digest: dict[str, list[str]] = defaultdict(list)
    for path in domain.images:
        if _has_bytes(found[path]):
            by_digest[found[path].digest].append(str(path))
    official, differences = _compare(domain, dataset)
    classes = _classes(held, set(good))
    return DomainReport(
        domain.name,
        len(domain.images),
        len(domain.classes),
        official,
        tuple((str(path), content.problem) for path, content in found.items() if content.problem),
        tuple(str(path) for path, content in found.items() if content.moves),
        tuple(tuple(group) for group in by_digest.values() if len(group) > 1),
        tuple(_other_files(domain.folder)),
        differences,
        domain.left_out,
        {part: len(images) for part, images in held.parts.items()},
        classes,
        tuple(found.name for found in classes if found.images == 1),
        _same_bytes(contents, held.parts),
        str(good[0]) if good else None,
    )


def _classes(held: Held, good: set[Path]) -> tuple[ClassFound, ...]:
    """The classes of a domain; images that can't be read don't count."""
    members: dict[str, list[Path]] = {name: [] for name in held.domain.classes}
    for path, label in zip(held.domain.images, held.domain.labels or (), strict=False):
        if path in good:
            members[label].append(path)
    return tuple(
        ClassFound(
            name,
            len(paths),
            str(paths[0]) if paths else None,
            {part: sum(map(own.__contains__, paths)) for part, own in held.parts.items()},
        )
        for name, paths in members.items()
    )


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
