"""Data behind a URL: s3://, gs://, https:// and whatever else fsspec reads, copied into the cache.

A copy holds what the URL holds: every use lists the files there, fetches what is new or changed and
removes what is gone. What was fetched is noted line by line, so that an interrupted copy goes on.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any

from genmix_da.errors import UserError, said_by
from genmix_da.places import cache_folder
from genmix_da.progress import track
from lead.checkpoint import write_atomically

_AT_ONCE = 8  # files that are fetched together: most of the time is waiting
# What tells that a file is another one, by the names of several stores; beside its size.
_TAGS = ("ETag", "etag", "md5Hash", "content_md5", "LastModified", "mtime", "created", "updated")

logger = logging.getLogger(__name__)


def fetched(url: str) -> Path:
    """The folder (or file) in the cache that holds what a URL names, as it is now.

    Raises:
        UserError: no such protocol, a library that it needs is missing, nothing there, or it can't
            be read.
    """
    import fsspec

    try:
        files, root = fsspec.core.url_to_fs(url)
        single = files.isfile(root)
        held = {root: files.info(root)} if single else files.find(root, detail=True)
    except Exception as error:  # of many stores and their libraries
        said = said_by(error).rstrip(".")
        raise UserError(f"cannot read {url}: {said}; check the address.") from error
    name = PurePosixPath(root.rstrip("/")).name or "data"
    home = cache_folder() / "remote" / hashlib.sha256(url.encode()).hexdigest()[:16] / name
    base = home.parent if single else home
    wanted = {path: base / _relative(path, root, single) for path, _ in _files(held)}
    if not wanted:
        raise UserError(f"there is no file at {url}; check the address.")
    notes = home.with_name(f".{name}.jsonl")
    known = _read(notes)
    marks = {path: [info.get("size"), _tag(info)] for path, info in _files(held)}
    missing = [
        p for p, to in wanted.items() if known.get(p) != marks[p] or not _whole(to, marks[p])
    ]
    gone = set() if single or not home.is_dir() else set(_local(home)) - set(wanted.values())
    for file in gone:
        file.unlink()
    if missing:
        logger.info("fetching %d of %d files of %s into %s", len(missing), len(wanted), url, home)
        notes.parent.mkdir(parents=True, exist_ok=True)
        _fetch(files, {path: wanted[path] for path in missing}, marks, notes, url)
    return home


def _fetch(
    files: Any, wanted: Mapping[str, Path], marks: Mapping[str, Any], notes: Path, url: str
) -> None:
    def fetch(path: str) -> str:
        to = wanted[path]
        to.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(to, lambda file: files.get_file(path, str(file)))
        return path

    with notes.open("a") as lines, ThreadPoolExecutor(_AT_ONCE) as pool:
        try:
            for path in track(pool.map(fetch, wanted), "fetching", len(wanted)):
                lines.write(json.dumps([path, marks[path]]) + "\n")
                lines.flush()
        except Exception as error:  # of many stores and their libraries
            pool.shutdown(cancel_futures=True)
            said = said_by(error).rstrip(".")
            raise UserError(
                f"{url} could not be fetched to its end: {said}; what has arrived is kept, the "
                "same command goes on."
            ) from error


def _files(held: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    return ((path, info) for path, info in held.items() if info.get("type") != "directory")


def _relative(path: str, root: str, single: bool) -> str:
    """Below the root, without a way out of it."""
    inner = PurePosixPath(path).name if single else path.removeprefix(root).lstrip("/")
    parts = [part for part in PurePosixPath(inner).parts if part not in ("..", "/")]
    return str(PurePosixPath(*parts))


def _tag(info: Mapping[str, Any]) -> str:
    return str(next((info[name] for name in _TAGS if info.get(name)), ""))


def _whole(file: Path, mark: list[Any]) -> bool:
    return file.is_file() and mark[0] in (None, file.stat().st_size)


def _local(home: Path) -> Iterator[Path]:
    return (file for file in home.rglob("*") if file.is_file())


def _read(notes: Path) -> dict[str, Any]:
    """Path -> mark of what was fetched; a line that a killed process left unfinished is none."""
    found = {}
    for line in notes.read_text().splitlines() if notes.is_file() else ():
        try:
            path, mark = json.loads(line)
        except ValueError:
            continue
        found[path] = mark
    return found
