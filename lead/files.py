"""Files that are replaced as a whole: a killed process leaves the old one or the new one."""

from __future__ import annotations

import errno
import os
import re
import secrets
import socket
import time
from collections.abc import Callable
from pathlib import Path

# Called with every file that was replaced, in order; what one raises is raised to the writer, and
# the file is there all the same. Who keeps copies elsewhere adds itself.
LISTENERS: list[Callable[[Path], None]] = []


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """`replace_whole`, then tell `LISTENERS`."""
    replace_whole(path, write)
    for listener in LISTENERS:
        listener(path)


def replace_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file beside `path`, then rename it over `path`.

    Raises:
        IsADirectoryError: `path` has no name of a file ("", "." or "/"), or is a folder, by a
            link too, which would be replaced.
    """
    if path.name in ("", "..") or path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    # Process numbers repeat on the machines that share a disk, hence the host and the token.
    token = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
    temporary = path.with_name(f".{path.name}.{token}.tmp")
    try:
        write(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def remove_abandoned(folder: Path, pattern: str = "**/.*.tmp") -> None:
    """Remove temporary files of `write_atomically` in a folder whose writer is gone.

    A writer on this machine is gone when its process is; one elsewhere after an hour.

    Args:
        folder: where they lie.
        pattern: of their names; all, at any depth, by default.
    """
    for file in folder.glob(pattern):
        match = re.fullmatch(r"\..*\.(.+)-(\d+)-[0-9a-f]{8}\.tmp", file.name)
        if match is None:
            continue
        try:
            if match[1] == socket.gethostname():
                os.kill(int(match[2]), 0)
                continue
            if time.time() - file.stat().st_mtime < 3600:
                continue
        except ProcessLookupError:
            pass
        except OSError:  # another user's process lives, or the file is gone
            continue
        file.unlink(missing_ok=True)
