"""Files that vouch for themselves: content, and the SHA-256 of it in the 32 bytes behind.

Readers of pictures and arrays pass over what follows their end, so a sealed JPEG, PNG or .npy opens
anywhere. A file is written under a temporary name and renamed; one that is damaged, empty or cut
off counts as missing, which is said in one line, and is made again.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from pathlib import Path

from lead.checkpoint import write_atomically

SIZE = hashlib.sha256().digest_size

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
