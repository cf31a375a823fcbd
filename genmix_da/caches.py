"""What the cache folder holds: sizes, what is old, what is damaged.

Everything in it can be made again: decoded images, features, edits, fractals, copied data sets.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from genmix_da import sealed
from genmix_da.augment.cache import is_array, is_jpeg
from genmix_da.augment.fractals import is_png
from genmix_da.data.decode import is_damaged
from genmix_da.errors import UserError, check_name
from genmix_da.frozen.store import tables_in
from genmix_da.places import cache_folder
from genmix_da.progress import track
from genmix_da.stores.notes import Notes
from lead.files import remove_abandoned
from office_home.mini import is_intact

# Folder -> what it holds.
KINDS = {
    "images": "decoded images",
    "features": "features of frozen backbones",
    "edits": "edits of GenMix, and their features",
    "fractals": "fractals",
    "datasets": "data sets of the datasets library",
    "remote": "data, runs and edits behind URLs",
    "torchvision": "data sets of torchvision, as fetched",
    "classification": "data sets of torchvision, as class folders",
    "mini_office_home": "Mini Office-Home",
}
# Those whose files are removed one by one; of the others a data set is one thing.
_SINGLE = ("edits", "fractals")
_EARLIER = re.compile("[0-9a-f]{16}")  # folders of data behind URLs of earlier versions
_SECONDS = {"h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}


@dataclass(frozen=True)
class Held:
    """What the cache holds of one kind.

    Attributes:
        kind: a key of KINDS.
        what: it is, in words.
        files, size: number, and bytes.
        used: seconds since the epoch, when one of them was last read or written; None: no files.
    """

    kind: str
    what: str
    files: int
    size: int
    used: float | None


def list_caches() -> list[Held]:
    """Every kind, those that hold nothing too."""
    found = []
    for kind, what in KINDS.items():
        files = _files(cache_folder() / kind)
        sizes = [file.stat().st_size for file in files]
        found.append(Held(kind, what, len(files), sum(sizes), _used(files)))
    return found


def prune(
    kinds: Collection[str] = (), older_than: float = 0.0, *, remove: bool = True
) -> tuple[int, int]:
    """Remove what was neither read nor written for some time; returns files and bytes.

    Args:
        kinds: keys of KINDS; none: all. What was not sent yet to its URL stays.
        older_than: seconds.
        remove: False: count alone.

    Raises:
        UserError: an unknown kind.
    """
    for kind in kinds:
        check_name("kind of cache", kind, KINDS)
    limit = time.time() - older_than
    files = size = 0
    for kind in kinds or KINDS:
        if remove:
            remove_abandoned(cache_folder() / kind)
        for unit in _units(kind):
            inside = [file for path in unit for file in _files(path)]
            used = _used(inside)
            if used is None or used > limit:
                continue
            files += len(inside)
            size += sum(file.stat().st_size for file in inside)
            for path in unit if remove else ():
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    return files, size


def seconds_of(age: str) -> float:
    """Of "12h", "30d", "2w", or a number of days.

    Raises:
        UserError: it is none of these.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([hdw]?)", age.strip().lower())
    if match is None:
        raise UserError(f"{age!r} is no age; give hours, days or weeks: 12h, 30d, 2w.")
    return float(match[1]) * _SECONDS[match[2] or "d"]


def verify(*, remove: bool) -> tuple[int, list[Path]]:
    """Hold every file against its checksum, in full; a data set is one thing.

    What torchvision fetched is left to it, what URLs hold is compared with them at every use, and
    files of versions without checksums are let be.

    Args:
        remove: the damaged ones, and what is damaged in an array of features, so that it is made
            again when it is wanted.

    Returns:
        (files looked at, the damaged ones).
    """
    wanted, tables = list(_verified()), tables_in(cache_folder() / "features")
    damaged = []
    for path, is_bad in track(wanted, "verifying", len(wanted)):
        if is_bad(path):
            damaged.append(path)
            for file in (path, path.with_suffix(".json")) if remove else ():
                shutil.rmtree(file) if file.is_dir() else file.unlink(missing_ok=True)
    for table in tables:
        if rows := table.damaged():
            damaged.append(table.path)
            if remove:
                table.forget(rows)
    return len(wanted) + len(tables), damaged


def _verified() -> Iterator[tuple[Path, Callable[[Path], bool]]]:
    """Files with a checksum, and what tells whether one is damaged."""
    home = cache_folder()
    for path in sorted((home / "images").glob("*.npy")):
        yield path, is_damaged
    for kind, suffix, whole in (
        ("features", ".npy", lambda _: False),
        ("features", ".json", lambda _: False),
        ("edits", ".jpg", is_jpeg),
        ("edits", ".npy", is_array),
        ("fractals", ".png", is_png),
    ):
        for path in _files(home / kind):
            if path.suffix == suffix and not path.name.startswith("."):
                yield path, _breaks(whole)
    for folder in sorted((*home.glob("datasets/*/*"), *home.glob("classification/*"))):
        if not folder.name.startswith("."):
            yield folder, lambda folder: bool(sealed.damaged_in(folder, full=True))
    if (home / "mini_office_home").is_dir():
        yield home / "mini_office_home", lambda root: not is_intact(root)


def _breaks(whole: Callable[[bytes], bool]) -> Callable[[Path], bool]:
    return lambda path: sealed.unsealed(path.read_bytes(), whole, path.name) is None


def _units(kind: str) -> Iterator[list[Path]]:
    """What is removed together."""
    home = cache_folder() / kind
    if kind == "images":
        names = sorted({path.stem for path in _files(home)})
        yield from ([home / f"{name}.npy", home / f"{name}.json"] for name in names)
    elif kind == "features":
        yield from ([folder] for folder in sorted(home.glob("*")))  # of one encoder
    elif kind in _SINGLE:
        yield from ([path] for path in _files(home))
    elif kind == "remote" and home.is_dir():
        notes = Notes()  # themselves small, and not removed
        yield from ([file] for file in _files(home) if notes.is_sent(file))
        earlier = (path for path in sorted(home.iterdir()) if _EARLIER.fullmatch(path.name))
        yield from ([path] for path in earlier)
    elif kind == "datasets" and home.is_dir():
        yield from ([path] for path in sorted(home.iterdir()))
    else:
        yield [home]


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return [file for file in sorted(path.rglob("*")) if file.is_file()]


def _used(files: list[Path]) -> float | None:
    times = (max(status.st_atime, status.st_mtime) for status in (f.stat() for f in files))
    return max(times, default=None)
