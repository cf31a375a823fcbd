"""The domains of a data set, by the names that people give them.

Below ROOT: folders (see `folders`), image lists <Domain>.txt or <Domain>_<part>.txt, a list
<Domain>/image_unida_list.txt, or one table labels.csv with a column `domain`. ROOT itself may be
such a table. Parts may lie above the domains, too: ROOT/train/<Domain>/<class>/<image>.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from genmix_da.data.domain import LAYOUT, Domain, joined
from genmix_da.data.entries import is_hidden, subfolders
from genmix_da.data.grey import GreyRange
from genmix_da.data.hub import local
from genmix_da.data.listed import domains_in, lines_domain, list_domain
from genmix_da.data.lists import is_list, is_table
from genmix_da.data.parts import check_part, holds_classes, part_name, parts_of, split_stem
from genmix_da.data.sources import LISTS, checked_list, data_set
from genmix_da.data.spelling import Spelling
from genmix_da.errors import UserError
from genmix_da.places import is_url
from office_home.names import key, match_domain

logger = logging.getLogger(__name__)

TABLE = LISTS[1]
_TABLES = (".csv", ".tsv")


@dataclass
class Place:
    """Where a domain lies.

    Attributes:
        folders: part (or None) and folder.
        lists: part (or None) and list file.
        table: a list with a column of domains, of which this is one.
    """

    folders: list[tuple[str | None, Path]] = field(default_factory=list)
    lists: list[tuple[str | None, Path]] = field(default_factory=list)
    table: Path | None = None


def find_domains(root: Path) -> dict[str, Place]:
    """Domain name -> where it lies, for everything below ROOT that may be a domain.

    Raises:
        UserError: ROOT is missing or holds no domain.
    """
    if root.is_file():
        return {name: Place(table=root) for name in domains_in(checked_list(root))}
    if not root.is_dir():
        raise UserError(f"no data folder {root}; expected {LAYOUT}. Check --data.")
    found: dict[str, Place] = {}
    parts = _parts_of_domains(root)
    for part, folder in parts or [(None, root)]:
        for path in subfolders(folder):
            found.setdefault(path.name, Place()).folders.append((part, path))
    if (root / TABLE).is_file():
        for name in domains_in(root / TABLE):
            found.setdefault(name, Place()).table = root / TABLE
    for file in sorted(root.iterdir()):
        if file.name != TABLE and _is_domain_list(file):
            name, part = split_stem(file.stem)
            like = next((known for known in found if key(known) == key(name)), name)
            found.setdefault(like, Place()).lists.append((part, file))
    if not found:
        raise UserError(f"no domain folder under {root}; expected {LAYOUT}. Check --data.")
    return found


def _is_domain_list(file: Path) -> bool:
    """Whether a file beside the domains is one; tables of other things lie about, too."""
    suffix = file.suffix.lower()
    if is_hidden(file.name):
        return False
    return (suffix == ".txt" and is_list(file)) or (suffix in _TABLES and is_table(file))


def _parts_of_domains(root: Path) -> list[tuple[str | None, Path]]:
    """The parts that lie above the domains; none where the parts are what holds the classes."""
    parts = parts_of(root)
    found = [(part, path) for part, paths in parts.items() for path in paths]
    inside = [folder for _, path in found for folder in subfolders(path)]
    # With images right below: classes, and a part is a domain by its own name (VisDA-C).
    return list(found) if inside and all(map(holds_classes, inside)) else []


def load_domain(root: Path, query: str, *, part: str | None = None) -> Domain:
    """Index one domain, named by folder name, alias, unique beginning, or as a path of its own.

    Args:
        root: folder of domains, or a list with a column of domains.
        query: the name; "Art.txt" is the list and "Art/" the folder where there are both; several
            names with commas are one domain of all their images.
        part: the images of "train", "val" or "test" alone; None: all.

    Raises:
        UserError: unknown domain (the nearest is suggested), no image in it, a list and a folder
            of one name.
    """
    part = check_part(part)
    names = [name.strip() for name in query.split(",") if name.strip()]
    if len(names) < 2 or _known(root, query):
        return _load(root, query, part)
    spelling = Spelling(())
    members = [spelling.applied(_load(root, name, part)) for name in names]
    for place, member in enumerate(members):
        if any(other.folder == member.folder for other in members[:place]):
            raise UserError(f"{query!r} names {member.name} twice.")
    return joined(",".join(member.name for member in members), root, members)


def _known(root: Path, name: str) -> bool:
    return (root / name).exists() or Path(name).exists()


def _load(root: Path, query: str, part: str | None) -> Domain:
    wanted = query.rstrip("/\\")
    try:
        places = find_domains(root)
        if query and (root / query).is_file():
            return _from_list(root / query, (root / query).stem, part)
        name = match_domain(wanted, list(places))
    except LookupError as error:
        own = local(query) if is_url(query) else Path(query)
        if query and own.is_dir():
            return data_set(own, part=part)
        if query and own.is_file():
            return _from_list(checked_list(own), own.stem, part)
        raise UserError(f"{error} (under {root}).") from error
    place = places[name]
    if query.endswith(("/", "\\")) and place.folders:
        place = Place(folders=place.folders)
    return domain_at(root, name, place, part)


def domain_at(root: Path, name: str, place: Place, part: str | None) -> Domain:
    """Index one of `find_domains`.

    Args:
        root: that was looked into.
        name, place: of the domain.
        part: the images of "train", "val" or "test" alone; None: all.

    Raises:
        UserError: see `load_domain`.
    """
    if place.table is not None:
        if place.folders or place.lists:
            logger.info("%s: as %s says, which lists it", name, place.table)
        return lines_domain(place.table, name, domains_in(place.table)[name], part)
    if place.lists and (place.folders or len({own for own, _ in place.lists}) < len(place.lists)):
        choices = [path.name + "/" for _, path in place.folders]
        choices += [path.name for _, path in place.lists]
        raise UserError(
            f"{name} is there more than once under {root}; name the one that is meant: "
            f"{' or '.join(choices)}."
        )
    return _of_parts(root, name, place.folders or place.lists, part)


def _of_parts(
    root: Path, name: str, places: Iterable[tuple[str | None, Path]], part: str | None
) -> Domain:
    """A domain whose parts are folders or lists of their own, or one that is whole."""
    every = list(places)
    if all(own is None for own, _ in every):
        path = every[0][1]
        return _from_list(path, name, part) if path.is_file() else data_set(path, part=part)
    chosen = [path for own, path in every if part in (None, own)]
    if not chosen:
        known = ", ".join(str(own) for own, _ in every)
        raise UserError(f"{name} has the parts {known}; there is no {part}. Check --part.")
    if len(chosen) > 1:
        logger.info("%s: %d parts together; --part takes one of them", name, len(chosen))
    spelling = Spelling(())
    read = [_whole(path, name) for path in chosen]
    domain = joined(name, root / name, map(spelling.applied, read))
    if len(chosen) == len(every):
        return domain
    # Deep grey has the range of all parts.
    images = [image for _, path in every for image in _whole(path, name).images]
    return dataclasses.replace(domain, grey=GreyRange(images))


def _whole(path: Path, name: str) -> Domain:
    """A folder or list that is one part of a domain."""
    return _from_list(path, name, None) if path.is_file() else data_set(path)


def _from_list(file: Path, name: str, part: str | None) -> Domain:
    own = split_stem(file.stem)[1] or part_name(file.stem)
    return list_domain(file, name, part=None if own is not None and own == part else part)
