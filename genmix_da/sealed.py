"""Files and folders that vouch for themselves.

A sealed file is its content, and in the 32 bytes behind the SHA-256 of it and of the file's name:
a whole file in the place of another is found, too.

Readers of pictures and arrays pass over what follows their end, so a sealed JPEG, PNG or .npy opens
anywhere. A file is written under a temporary name and renamed; one that is damaged, empty or cut
off counts as missing, which is said in one line, and is made again.

A sealed folder has the lengths and SHA-256 of its files in a hidden one: of copied data sets, whose
images stay byte by byte what they were.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable
from pathlib import Path

from lead.files import write_atomically

SIZE = hashlib.sha256().digest_size
FOLDER_LIST = ".checksums.json"

logger = logging.getLogger(__name__)


def write_sealed(path: Path, content: bytes) -> None:
    """Keep content under a name; folders are made.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda file: file.write_bytes(content + _seal(content, path.name)))


def read_sealed(path: Path, whole: Callable[[bytes], bool]) -> bytes | None:
    """What `write_sealed` kept; None where it is missing or damaged.

    Args:
        path: of the file.
        whole: whether content without a seal is a whole file of an earlier version.

    Raises:
        OSError: it is there and cannot be read.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    found = unsealed(content, whole, path.name)
    if found is None:
        logger.warning("%s is damaged and is made again", path)
    return found


def unsealed(content: bytes, whole: Callable[[bytes], bool], name: str) -> bytes | None:
    """The content of a file's bytes; None where they are damaged or another file's.

    Args:
        content: of the file.
        whole: see `read_sealed`.
        name: of the file. An earlier version's seal is of the content alone.
    """
    body, seal = content[:-SIZE], content[-SIZE:]
    if body and seal in (_seal(body, name), hashlib.sha256(body).digest()):
        return body
    return content if content and whole(content) else None


def _seal(content: bytes, name: str) -> bytes:
    return hashlib.sha256(content + b"\0" + os.fsencode(name)).digest()


def seal_folder(folder: Path) -> None:
    """Note what every file below a folder is.

    Raises:
        OSError: one cannot be read, or the notes written.
    """
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    marks = {str(file.relative_to(folder)): _mark(file.read_bytes()) for file in files}
    write_atomically(folder / FOLDER_LIST, lambda file: file.write_text(json.dumps(marks)))


def damaged_in(folder: Path, *, full: bool) -> list[Path]:
    """What of a sealed folder is not as it was noted: gone, changed or added.

    Args:
        folder: sealed; where its notes can't be read, they are what is damaged.
        full: whether files are read; else their lengths tell.
    """
    notes = folder / FOLDER_LIST
    try:
        marks = {
            folder / name: (mark[0], mark[1])
            for name, mark in json.loads(notes.read_text()).items()
        }
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return [notes]
    held = {file for file in folder.rglob("*") if file.is_file()} - {notes}
    changed = [f for f in held & marks.keys() if _differs(f, marks[f], full=full)]
    return sorted([*(held ^ marks.keys()), *changed])


def _differs(file: Path, mark: tuple[int, str], *, full: bool) -> bool:
    try:
        if file.stat().st_size != mark[0]:
            return True
        return full and _mark(file.read_bytes()) != mark
    except OSError:
        return True


def _mark(content: bytes) -> tuple[int, str]:
    return len(content), hashlib.sha256(content).hexdigest()
