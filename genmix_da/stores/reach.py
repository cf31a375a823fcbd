"""A URL's file system, as fsspec opens it, with its many errors told in one sentence."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from genmix_da.errors import UserError, said_by
from genmix_da.places import address_of, store_copies

_PAUSES = (1.0, 5.0)  # seconds before a second and a third attempt to send
# What tells that a file is another one, by the names of several stores; beside its size.
_TAGS = (
    *("ETag", "etag", "md5Hash", "content_md5", "blob_id", "LastModified", "last_modified"),
    *("mtime", "created", "updated", "modify", "modificationTime"),
)
_BUCKETS = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oss", "obs", "r2")

Value = TypeVar("Value")
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Store:
    """What a URL names.

    Attributes:
        files: the file system, of fsspec.
        root: the folder or file, as it names it.
        url: as it was given.
    """

    files: Any
    root: str
    url: str

    def found(self, home: Path) -> dict[Path, tuple[str, list[Any]]]:
        """Every file below, as it is now.

        Args:
            home: the path that stands for the URL.

        Returns:
            Path -> its name in the store, and its mark.

        Raises:
            UserError: it can't be reached.
        """
        with self.reading():
            self.files.invalidate_cache()
            if self.files.isfile(self.root):
                return {home: (self.root, self.mark())}
            try:
                held = self.files.find(self.root, detail=True)
            except FileNotFoundError:
                return {}
        return {
            home / _inner(name, self.root): (name, mark_of(info))
            for name, info in held.items()
            # Consoles make folders as empty files whose names end as folders' do.
            if info.get("type") != "directory" and not name.endswith("/") and name != self.root
        }

    def mark(self) -> list[Any]:
        """That of the one file which the URL names.

        Raises:
            OSError, or another error of the store: it is not there, or can't be read.
        """
        return mark_of(self.files.info(self.root))

    def is_file(self) -> bool:
        """Whether the URL names a file, as it is now.

        Raises:
            UserError: it can't be reached.
        """
        with self.reading():
            self.files.invalidate_cache()
            return bool(self.files.isfile(self.root))

    def names(self) -> list[str]:
        """Names of the files of this one folder.

        Raises:
            UserError: it can't be reached.
        """
        with self.reading():
            self.files.invalidate_cache()
            try:
                found = self.files.ls(self.root, detail=False)
            except FileNotFoundError:
                return []
        return [PurePosixPath(name).name for name in found]

    def send(self, file: Path) -> list[Any]:
        """Write a file to the place that the URL names; its mark there.

        Raises:
            UserError: not after the last attempt.
        """
        kept = f"it is kept below {store_copies()}; mend it and give the command again"
        with explained(f"cannot write {self.url}", kept):
            _patiently(lambda: self._put(file))
            self.files.invalidate_cache()
            return self.mark()

    def _put(self, file: Path) -> None:
        # Buckets have no folders, and one that is not there is not made: its name is wrong. File
        # systems behind a URL have folders.
        if self.url.partition(":")[0] in _BUCKETS:
            self.files.put_file(str(file), self.root)  # there as a whole, or not at all
            return
        folder, _, name = self.root.rpartition("/")
        self.files.makedirs(folder, exist_ok=True)
        unfinished = f"{folder}/.{name}.{secrets.token_hex(4)}.tmp"
        self.files.put_file(str(file), unfinished)
        self.files.mv(unfinished, self.root)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """What goes wrong within is told as a failure to read.

        Raises:
            UserError: something went wrong.
        """
        with explained(f"cannot read {self.url}", "check the address, and what it needs"):
            yield


def store_of(path: Path) -> Store | None:
    """What a path stands for; None where it is a path like any other.

    Raises:
        UserError: no such protocol, or a library that it needs is missing.
    """
    url = address_of(path)
    if url is None:
        return None
    import fsspec

    with explained(f"cannot reach {url}", "check the address, and what it needs"):
        files, root = fsspec.core.url_to_fs(url)
    return Store(files, root, url)


@contextmanager
def explained(what: str, otherwise: str) -> Iterator[None]:
    """Errors of many stores and their libraries as one sentence.

    Raises:
        UserError: whatever is raised within.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"{what}: {said_by(error).rstrip('.')}; {otherwise}.") from error


def mark_of(info: Mapping[str, Any]) -> list[Any]:
    """What tells a file of a store from another under its name.

    Args:
        info: of fsspec.
    """
    tag = next((info[name] for name in _TAGS if info.get(name)), "")
    # A store's listing and its word on one file may write the same mark in two ways.
    plain = tag.timestamp() if isinstance(tag, datetime) else tag
    return [info.get("size"), str(plain).strip('"')]


def _inner(name: str, root: str) -> PurePosixPath:
    """Below the root, without a way out of it."""
    inner = PurePosixPath(name.removeprefix(root).lstrip("/"))
    return PurePosixPath(*(part for part in inner.parts if part not in ("..", "/")))


def _patiently(work: Callable[[], Value]) -> Value:
    for pause in _PAUSES:
        try:
            return work()
        except PermissionError:
            raise
        except Exception as error:
            logger.warning("%s; trying again in %.0f s", said_by(error).rstrip("."), pause)
            time.sleep(pause)
    return work()
