"""Everything that a folder holds: all its domains with their parts, whatever kind of folder it is.

`domains` is told that a folder holds domains. Here it may be one data set as well, class folders
with or without parts, as `classify` reads it. Which of the two it is, is told by where the images
lie: right below most of the folders (classes), or a level deeper (domains).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from genmix_da.data.domain import Domain, NoImageError
from genmix_da.data.domains import TABLE, Place, domain_at, find_domains
from genmix_da.data.entries import has_images, loose, subfolders, walk
from genmix_da.data.parts import PARTS, holds_classes, parts_of
from genmix_da.data.sources import LISTS, data_set
from genmix_da.errors import UserError
from office_home import identify
from office_home.names import key

_TABLE_ALONE = Path(TABLE).stem  # the domain of a table without a column of domains


@dataclass(frozen=True)
class Held:
    """One domain of a folder.

    Attributes:
        domain: its images.
        parts: part -> its images; empty where the domain has no parts.
        lists: files that say which images it has.
    """

    domain: Domain
    parts: Mapping[str, frozenset[Path]]
    lists: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Everything:
    """What a folder holds.

    Attributes:
        root: the folder, or the list that stands for one.
        held: its domains, in order.
        one: it is one data set and not a folder of domains.
        hollow: folders where domains would be, without an image.
    """

    root: Path
    held: tuple[Held, ...]
    one: bool
    hollow: tuple[Path, ...] = ()


def read_everything(root: Path) -> Everything:
    """Index all domains of a folder or list.

    Raises:
        UserError: there is no image, or a list cannot be read.
    """
    places = _places(root)
    if root.is_dir() and _is_one(root, places):
        whole = dataclasses.replace(data_set(root), name=root.resolve().name)
        if not _is_domain_by_part(whole, places):
            lists = _lists_in(root)[:1]
            held = Held(whole, _parts(lambda part: data_set(root, part=part)), lists)
            return Everything(root, (held,), True)
    found: list[Held] = []
    hollow: list[Path] = []
    for name, place in places.items():
        try:
            domain = domain_at(root, name, place, None)
        except NoImageError:
            hollow += [path for _, path in place.folders]
            continue
        parts = _parts(partial(domain_at, root, name, place))
        found.append(Held(domain, parts, _lists_of(place)))
    if not found:
        raise UserError(f"no images under {root}; expected ROOT/<Domain>/<class>/<image>.")
    return Everything(root, tuple(found), False, tuple(hollow))


def _places(root: Path) -> dict[str, Place]:
    """Of the domains; none of a folder that holds nothing but images.

    Raises:
        UserError: see `find_domains`.
    """
    try:
        return find_domains(root)
    except UserError:
        if root.is_dir() and loose(root).images:
            return {}
        raise


def _is_one(root: Path, places: Mapping[str, Place]) -> bool:
    """Whether a folder is one data set: its folders are classes, or parts, and not domains."""
    if (root / LISTS[0]).is_file():
        return True
    listed = {name for name, place in places.items() if place.table}
    if listed - {_TABLE_ALONE} or any(place.lists for place in places.values()):
        return False
    folders = [(part, path) for place in places.values() for part, path in place.folders]
    if any(part is not None for part, _ in folders):
        return False  # parts above domains
    if parts_of(root):
        return True
    if [path.name for _, path in folders] == ["images"]:
        folders = [(None, path) for path in subfolders(folders[0][1])]
    filled = [path for _, path in folders if has_images(path)]
    deep = sum(map(_is_deep, filled))
    return deep == 0 or deep < len(filled) - deep


def _is_deep(folder: Path) -> bool:
    """Whether the images lie in folders of this one, but for a few that went astray beside them."""
    beside = len(loose(folder).images)
    inside = sum(len(walk(path).images) for path in subfolders(folder)) if beside else 0
    return holds_classes(folder) or inside > beside


def _is_domain_by_part(whole: Domain, places: Mapping[str, Place]) -> bool:
    """Whether parts are the published domains of the data set: VisDA-C's train and validation."""
    benchmark = identify(whole.classes) if whole.labels is not None else None
    names = {key(name) for name in benchmark.domains} if benchmark else set()
    return bool(names) and names <= {key(name) for name in places}


def _parts(read: Callable[[str], Domain]) -> dict[str, frozenset[Path]]:
    """The parts that a domain has, by asking for each: the reader decides."""
    found = {}
    for part in PARTS:
        try:
            found[part] = frozenset(read(part).images)
        except UserError:
            continue
    return found


def _lists_of(place: Place) -> tuple[Path, ...]:
    """The lists that a domain was read from."""
    if place.table is not None:
        return (place.table,)
    inside = [found for _, folder in place.folders for found in _lists_in(folder)[:1]]
    return (*(path for _, path in place.lists), *inside)


def _lists_in(folder: Path) -> tuple[Path, ...]:
    """Lists that a folder is read by, the one that counts first."""
    return tuple(folder / name for name in LISTS if (folder / name).is_file())
