"""What lies in a folder: images at any depth, and why everything else is none.

One set of rules for all commands. Hidden and system entries are passed over; a linked folder is
followed once, so that loops end; whatever looks meant and can't be used is named with its reason.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from genmix_da.data.path_list import PathList

IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif"}
    | {".ppm", ".pgm", ".jp2", ".heic", ".heif", ".avif"}
)

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
    return path.suffix.lower() in IMAGE_SUFFIXES and not is_hidden(path.name)


def subfolders(folder: Path) -> list[Path]:
    """Folders in a folder, in order; hidden ones are left out."""
    return [path for path in sorted(folder.iterdir()) if path.is_dir() and not is_hidden(path.name)]


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
    return _holds(folder, set())


def _holds(folder: Path, entered: set[tuple[int, int]]) -> bool:
    try:
        status = folder.stat()
        paths = sorted(folder.iterdir())
    except OSError:
        return False
    if (status.st_dev, status.st_ino) in entered:
        return False
    entered.add((status.st_dev, status.st_ino))
    if any(is_image(path) and path.is_file() for path in paths):
        return True
    inside = (path for path in paths if not is_hidden(path.name) and path.is_dir())
    return any(_holds(path, entered) for path in inside)


def loose(folder: Path) -> Found:
    """The files of a folder itself; its subfolders are not entered."""
    found = Found()
    for path in _entries(folder, found):
        if not path.is_dir():
            _sort_file(path, found)
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
    for path in _entries(folder, found):
        if path.is_dir():
            _walk(path, found, entered)
        else:
            _sort_file(path, found)


def _entries(folder: Path, found: Found) -> list[Path]:
    """What is not hidden, in order."""
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        found.left_out.append((str(folder), reason_of(error)))
        return []
    found.hidden += [path for path in paths if is_hidden(path.name)]
    return [path for path in paths if not is_hidden(path.name)]


def _sort_file(path: Path, found: Found) -> None:
    if not is_image(path):
        found.others.append(path)
    elif path.is_file():
        found.images.append(path)
    else:
        gone = path.is_symlink()
        found.left_out.append((str(path), "a link to nothing" if gone else "no regular file"))


def reason_of(error: OSError) -> str:
    """An error of the file system in a few words."""
    return (error.strerror or type(error).__name__).lower()
