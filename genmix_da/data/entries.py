"""What lies in a folder: images at any depth, and why everything else is none.

One set of rules for all commands. Hidden and system entries are passed over; a linked folder is
followed once, so that loops end; whatever looks meant and can't be used is named with its reason.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from genmix_da.data.path_list import PathList

IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif"}
    | {".ppm", ".pgm", ".jp2", ".heic", ".heif", ".avif"}
)
_ENDINGS = tuple(IMAGE_SUFFIXES)

# What file managers, network drives and notebooks leave behind; names in lower case.
_SYSTEM = frozenset(
    {"@eadir", "#recycle", "@recycle", "@tmp", "__macosx", "$recycle.bin", "recycler"}
    | {"lost+found", "system volume information", "thumbs.db", "ehthumbs.db", "desktop.ini"}
    | {"__pycache__", "network trash folder", "temporary items"}
)

Reason = tuple[str, str]


def is_hidden(name: str) -> bool:
    """Whether an entry is a system's own and never anybody's class, domain or image."""
    return name.startswith(".") or name.lower() in _SYSTEM


def is_image(path: Path) -> bool:
    """Whether the name is that of an image; hidden files are not."""
    return _named_as_image(path.name)


def _named_as_image(name: str) -> bool:
    return name.lower().endswith(_ENDINGS) and not is_hidden(name)


def subfolders(folder: Path) -> list[Path]:
    """Folders in a folder, in order; hidden ones are left out.

    Raises:
        OSError: it cannot be read.
    """
    with os.scandir(folder) as entries:
        names = [e.name for e in entries if not is_hidden(e.name) and _holds_true(e.is_dir)]
    return [folder / name for name in sorted(names)]


def _holds_true(question: Callable[[], bool]) -> bool:
    """What an entry answers; False where the system refuses to say."""
    try:
        return question()
    except OSError:
        return False


@dataclass
class Found:
    """What a walk came across.

    Attributes:
        images: in order: sorted by name at every level.
        left_out: (path, reason) of what looks meant and can't be used.
        others: files that are no images by their names.
        hidden: entries of the system.
    """

    images: PathList = field(default_factory=PathList)
    left_out: list[Reason] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)
    hidden: list[Path] = field(default_factory=list)

    def add(self, more: Found) -> None:
        """Take over what another walk came across."""
        self.images += more.images
        self.left_out += more.left_out
        self.others += more.others
        self.hidden += more.hidden


def walk(folder: Path, entered: set[tuple[int, int]] | None = None) -> Found:
    """Everything below a folder, at any depth; links to a folder above it are not followed.

    Args:
        folder: to look into.
        entered: folders (device, number) that were read already; those of this walk are added.
    """
    found = Found()
    above = [path.stat() for path in folder.absolute().parents]
    known = {(status.st_dev, status.st_ino) for status in above} | (entered or set())
    before = set(known)
    _walk(folder, found, known)
    if entered is not None:
        entered |= known - before
    return found


def has_images(folder: Path) -> bool:
    """Whether there is an image below a folder; looks no further than the first."""
    return _has_image(folder, set())


def _has_image(folder: Path, entered: set[tuple[int, int]]) -> bool:
    inside = []
    try:
        status = folder.stat()
        if (status.st_dev, status.st_ino) in entered:
            return False
        entered.add((status.st_dev, status.st_ino))
        with os.scandir(folder) as entries:
            for entry in entries:
                if _named_as_image(entry.name) and _holds_true(entry.is_file):
                    return True
                if not is_hidden(entry.name) and _holds_true(entry.is_dir):
                    inside.append(folder / entry.name)
    except OSError:
        return False
    return any(_has_image(path, entered) for path in inside)


def loose(folder: Path) -> Found:
    """The files of a folder itself; its subfolders are not entered."""
    found = Found()
    _sort(folder, _listed(folder, found), found, lambda path: None)
    return found


def _walk(folder: Path, found: Found, entered: set[tuple[int, int]]) -> None:
    try:
        status = folder.stat()
    except OSError as error:
        found.left_out.append((str(folder), reason_of(error)))
        return
    if (status.st_dev, status.st_ino) in entered:
        found.left_out.append((str(folder), "a link to a folder that was read already"))
        return
    entered.add((status.st_dev, status.st_ino))
    _sort(folder, _listed(folder, found), found, lambda path: _walk(path, found, entered))


@dataclass
class _Listing:
    """The entries of a folder that are not hidden.

    Attributes:
        names: of all, in order; text, because a million `Path`s take half a gigabyte.
        folders: those that are folders.
        unusable: those that are neither folders nor regular files.
    """

    names: list[str] = field(default_factory=list)
    folders: set[str] = field(default_factory=set)
    unusable: set[str] = field(default_factory=set)


def _listed(folder: Path, found: Found) -> _Listing:
    listing, hidden = _Listing(), []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                if is_hidden(name):
                    hidden.append(name)
                    continue
                listing.names.append(name)
                if _holds_true(entry.is_dir):
                    listing.folders.add(name)
                elif _named_as_image(name) and not _holds_true(entry.is_file):
                    listing.unusable.add(name)
    except OSError as error:
        found.left_out.append((str(folder), reason_of(error)))
        return _Listing()
    found.hidden += [folder / name for name in sorted(hidden)]
    listing.names.sort()
    return listing


def _sort(folder: Path, listing: _Listing, found: Found, enter: Callable[[Path], None]) -> None:
    """What the entries are; `enter` is called with every folder among them, in its turn."""
    prefix = str(folder).rstrip(os.sep) + os.sep
    for name in listing.names:
        if name in listing.folders:
            enter(folder / name)
        elif not _named_as_image(name):
            found.others.append(folder / name)
        elif name not in listing.unusable:
            found.images.add(prefix, name)
        else:
            path = folder / name
            reason = "a link to nothing" if path.is_symlink() else "no regular file"
            found.left_out.append((str(path), reason))


def reason_of(error: OSError) -> str:
    """An error of the file system in a few words."""
    return (error.strerror or type(error).__name__).lower()
