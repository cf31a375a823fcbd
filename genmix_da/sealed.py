"""Files and folders that vouch for themselves.

A sealed file is its content, and the SHA-256 of it in the 32 bytes behind.

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
from collections.abc import Callable
from pathlib import Path

from lead.checkpoint import write_atomically

SIZE = hashlib.sha256().digest_size
FOLDER_LIST = ".checksums.json"

logger = logging.getLogger(__name__)


def write_sealed(path: Path, content: bytes) -> None:
    """Keep content under a name; folders are made.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(
        path, lambda file: file.write_bytes(content + hashlib.sha256(content).digest())
    )


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
    found = unsealed(content, whole)
    if found is None:
        logger.warning("%s is damaged and is made again", path)
    return found


def unsealed(content: bytes, whole: Callable[[bytes], bool]) -> bytes | None:
    """The content of a file's bytes; None where they are damaged; see `read_sealed`."""
    body, digest = content[:-SIZE], content[-SIZE:]
    if body and hashlib.sha256(body).digest() == digest:
        return body
    return content if content and whole(content) else None


def seal_folder(folder: Path) -> None:
    """Note what every file below a folder is.

    Raises:
        OSError: one cannot be read, or the notes written.
    """
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    marks = {str(file.relative_to(folder)): _mark(file.read_bytes()) for file in files}
    write_atomically(folder / FOLDER_LIST, lambda file: file.write_text(json.dumps(marks)))


def sealed_files(folder: Path) -> dict[Path, tuple[int, str]]:
    """File -> (length, SHA-256) as `seal_folder` noted them; of a folder without notes none."""
    try:
        marks = json.loads((folder / FOLDER_LIST).read_text())
        return {folder / name: (int(size), str(digest)) for name, (size, digest) in marks.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def is_damaged(file: Path, mark: tuple[int, str], *, full: bool) -> bool:
    """Whether a file of a sealed folder is not what was noted.

    Args:
        file: of the folder.
        mark: its (length, SHA-256).
        full: whether it is read; else its length tells.
    """
    try:
        if file.stat().st_size != mark[0]:
            return True
        return full and _mark(file.read_bytes()) != mark
    except OSError:
        return True


def _mark(content: bytes) -> tuple[int, str]:
    return len(content), hashlib.sha256(content).hexdigest()
