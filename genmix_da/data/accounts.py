"""Every file below a folder accounted for: read, skipped with its reason, a list, no image, hidden.

A file counts once, under the path by which a walk that enters each folder once comes to it. In
hidden folders no link is followed.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from genmix_da.data.entries import Found, Reason, walk
from genmix_da.data.everything import Everything, Held
from genmix_da.data.parts import ANNOTATIONS
from genmix_da.data.path_list import PathList

NO_ENDING = "without ending"


@dataclass(frozen=True)
class Files:
    """The files of a data folder; of a list: the list and what it names.

    Attributes:
        total: number of files: read + skipped + lists + others + hidden.
        read: number of images that are read.
        skipped: (path, reason) of images that are not.
        lists: files that say which images there are.
        others: ending -> number of files that are no images by their names.
        hidden: number of files that are hidden or a system's own, or lie in such a folder.
        no_files: (path, reason) of what looks meant and is no file: a link to nothing, the line
            of a list without its image, a folder without images among classes.
        elsewhere: number of images that are read and not among the files: a list names them
            elsewhere, or a second link leads to their folder.
    """

    total: int
    read: int
    skipped: tuple[Reason, ...]
    lists: tuple[str, ...]
    others: Mapping[str, int]
    hidden: int
    no_files: tuple[Reason, ...]
    elsewhere: int


def account(everything: Everything, unreadable: Mapping[Path, str]) -> Files:
    """Sort every file.

    Args:
        everything: what the folder holds.
        unreadable: image -> reason, of those that were opened in vain.
    """
    images = {image for held in everything.held for image in held.domain.images}
    lists = {path for held in everything.held for path in held.lists}
    found = _found(everything, images, lists)
    reasons = dict(reason for held in everything.held for reason in held.domain.left_out)
    reasons |= dict(found.left_out)
    # Lists write paths in their own way, and links lead to one folder in several.
    resolved = {os.path.realpath(path): path for path in images.difference(found.images)}
    met: set[Path] = set()
    read = 0
    skipped: list[Reason] = []
    for path in found.images:
        image = path if path in images else None
        if image is None and resolved:
            image = resolved.get(os.path.realpath(path))
        if image is None:
            skipped.append((str(path), _reason(path, reasons, everything)))
            continue
        met.add(image)
        if image in unreadable:
            skipped.append((str(path), unreadable[image]))
        else:
            read += 1
    named = {path: path in lists or path.name == ANNOTATIONS for path in found.others}
    others = Counter(_ending(path) for path, is_list in named.items() if not is_list)
    hidden = sum(map(_count, found.hidden))
    apart = dict(skipped)
    gone = {str(path): reason for path, reason in unreadable.items() if not path.is_file()}
    return Files(
        read + len(skipped) + sum(named.values()) + others.total() + hidden,
        read,
        tuple(skipped),
        tuple(str(path) for path, is_list in named.items() if is_list),
        dict(others.most_common()),
        hidden,
        tuple((path, why) for path, why in (reasons | gone).items() if path not in apart),
        sum(path not in unreadable for path in images - met),
    )


def _found(everything: Everything, images: Iterable[Path], lists: Iterable[Path]) -> Found:
    """Everything below the folder; of a list: itself and the images that it names."""
    if everything.root.is_dir():
        found = walk(everything.root)
        found.others = [path for path in found.others if path.is_file()]
        return found
    there = PathList(path for path in sorted(images) if path.is_file())
    return Found(there, others=sorted(lists))


def _reason(path: Path, reasons: Mapping[str, str], everything: Everything) -> str:
    """Why an image is in no domain: its own reason, or that of a folder that it lies in."""
    own = next((reasons[str(at)] for at in (path, *path.parents) if str(at) in reasons), None)
    if own is not None:
        return own
    for held in everything.held:
        if _home(held, everything) not in path.parents:
            continue
        if held.lists:
            return f"not in {held.lists[0].name}"
        if held.parts:
            return "beside the parts"
    if path.parent == everything.root:
        return "beside the folders that are read"
    return "in no domain that is read"


def _home(held: Held, everything: Everything) -> Path:
    """The folder of a domain, also where a list says what is in it."""
    folder = held.domain.folder
    if folder.is_dir():
        return folder
    beside = folder.parent == everything.root and not everything.one
    return folder.parent / held.domain.name if beside else folder.parent


def _ending(path: Path) -> str:
    return path.suffix.lower() or NO_ENDING


def _count(hidden: Path) -> int:
    """Number of files of a hidden entry."""
    if hidden.is_file():
        return 1
    if hidden.is_symlink():
        return 0
    inside = (Path(folder, name) for folder, _, names in os.walk(hidden) for name in names)
    return sum(path.is_file() for path in inside)
