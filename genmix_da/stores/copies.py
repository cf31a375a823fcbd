"""Copies of what lies behind URLs: s3://, gs:// and whatever else fsspec reads and writes.

All work is done in files of this machine. A URL is a path in the cache (`places.user_path`): what
is there is fetched before it is read, and every file that is replaced (`lead.files`) is sent as
soon as it is whole. What changed in the store since is fetched, what changed here is sent; where
both did, the store's wins. Paths that stand for no URL are let be by every function.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from genmix_da.errors import UserError
from genmix_da.places import address_of
from genmix_da.progress import track
from genmix_da.stores.notes import Notes
from genmix_da.stores.reach import Store, explained, store_of
from lead.files import LISTENERS, replace_whole

_AT_ONCE = 8  # files that travel together: most of the time is waiting
_TOGETHER = 64  # small files that wait for each other
Value = TypeVar("Value")

logger = logging.getLogger(__name__)


def fetch(path: Path, *, leave: Collection[str] = (), exact: bool = False) -> Path:
    """Copy what a URL holds now; nothing where nothing is there.

    Args:
        path: that may stand for a URL, of a folder or a file.
        leave: suffixes of files that are not wanted.
        exact: what was changed here is fetched again. Else it stays, where the store's is still the
            one that it was made from. What was never sent stays in any case.

    Returns:
        `path`.

    Raises:
        UserError: no such protocol, a library that it needs is missing, it can't be read.
    """
    store = store_of(path)
    if store is None:
        return path
    notes = Notes()
    # Before the store is asked: what another process sends from then on is not taken for gone.
    known = [copy for copy in _files(path) if (notes.has if exact else notes.is_sent)(copy)]
    held = store.found(path)
    for copy in known:
        if copy not in held:
            copy.unlink(missing_ok=True)
    missing = {
        copy: found
        for copy, found in held.items()
        if copy.suffix not in leave and _is_wanted(copy, found[1], notes, exact)
    }
    if missing:
        logger.info("fetching %d of %d files of %s", len(missing), len(held), store.url)
        _fetch(store, missing, notes)
    return path


def _is_wanted(copy: Path, mark: list[Any], notes: Notes, exact: bool) -> bool:
    if notes.is_older(copy, mark):
        return True
    if exact:
        return not notes.is_sent(copy)
    return not mark[1]  # a store without marks: training states are all of one size


def fetch_files(paths: Sequence[Path]) -> None:
    """Copy single files that are known to be in their store; one that is gone is let be.

    Raises:
        UserError: one can't be read.
    """

    def fetch_one(path: Path) -> tuple[Path, list[Any] | None]:
        store = store_of(path)
        assert store is not None
        path.parent.mkdir(parents=True, exist_ok=True)
        with store.reading():
            try:
                mark = store.mark()
                replace_whole(path, lambda file: store.files.get_file(store.root, str(file)))
            except FileNotFoundError:
                return path, None
        return path, mark

    notes = Notes()
    for path, mark in _at_once(fetch_one, paths, ""):
        if mark is not None:
            notes.add(path, mark)


def push(path: Path) -> None:
    """Send what is new or changed below a path since it was fetched or sent.

    Raises:
        UserError: it can't be written there; says where it is kept.
    """
    if address_of(path) is not None:
        notes = Notes()
        _send([copy for copy in _files(path) if not notes.is_sent(copy)], notes, "sending")


def remove(path: Path) -> None:
    """Remove a file, here and in its store; one that is not there is let be.

    Raises:
        UserError: the store refuses.
    """
    path.unlink(missing_ok=True)
    store = store_of(path)
    if store is not None:
        with (
            explained(f"cannot remove {store.url}", "check what you may do there"),
            suppress(FileNotFoundError),
        ):
            store.files.rm_file(store.root)


def is_there(path: Path) -> bool:
    """Whether a file is here or in its store.

    Raises:
        UserError: the store can't be read.
    """
    store = None if path.is_file() else store_of(path)
    return path.is_file() if store is None else store.is_file()


@contextmanager
def pushed(path: Path) -> Iterator[None]:
    """`push` in the end; where something went wrong within, that is what is raised.

    Raises:
        UserError: see `push`.
    """
    try:
        yield
    except BaseException:
        try:
            push(path)
        except UserError as unsent:
            logger.warning("%s", unsent)
        raise
    push(path)


@contextmanager
def sent_together(path: Path) -> Iterator[None]:
    """Files below a path are sent many at once: for thousands of small ones.

    Who is interrupted leaves some unsent; begin with `push`.

    Raises:
        UserError: see `push`.
    """
    _waiting[path] = []
    try:
        yield
    finally:
        left = _waiting.pop(path)
    _send(left, Notes())


_waiting: dict[Path, list[Path]] = {}


def _replaced(path: Path) -> None:
    """A file was replaced."""
    if address_of(path) is None:
        return
    waiting = next((_waiting[home] for home in path.parents if home in _waiting), None)
    if waiting is None:
        _send([path], Notes())
        return
    waiting.append(path)
    if len(waiting) >= _TOGETHER:
        _send(waiting, Notes())
        waiting.clear()


LISTENERS.append(_replaced)


def _send(copies: Sequence[Path], notes: Notes, progress: str = "") -> None:
    def send(copy: Path) -> tuple[Path, list[Any]]:
        store = store_of(copy)
        assert store is not None
        return copy, store.send(copy)

    for copy, mark in _at_once(send, copies, progress):
        notes.add(copy, mark)


def _at_once(
    work: Callable[[Path], Value], paths: Collection[Path], progress: str
) -> Iterator[Value]:
    """What a function gives for each path, in order; several are worked on together.

    Raises:
        Exception: of the function; what has not begun then is left.
    """
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        try:
            found = pool.map(work, paths)
            yield from track(found, progress, len(paths)) if progress else found
        finally:
            pool.shutdown(cancel_futures=True)


def _fetch(store: Store, wanted: Mapping[Path, tuple[str, list[Any]]], notes: Notes) -> None:
    def fetch_one(copy: Path) -> Path:
        copy.parent.mkdir(parents=True, exist_ok=True)
        replace_whole(copy, lambda file: store.files.get_file(wanted[copy][0], str(file)))
        return copy

    kept = "what has arrived is kept, the same command goes on"
    with explained(f"{store.url} could not be fetched to its end", kept):
        for copy in _at_once(fetch_one, wanted, "fetching"):
            notes.add(copy, wanted[copy][1])


def _files(path: Path) -> Iterator[Path]:
    """Files below a path, or itself; without unfinished ones."""
    for file in [path] if path.is_file() else sorted(path.rglob("*")):
        if file.is_file() and not (file.name.startswith(".") and file.name.endswith(".tmp")):
            yield file
