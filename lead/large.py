"""Arrays that lie in a file once they are large, so that memory does not grow with the images.

Inside `files_in(FOLDER)` an array above a limit is a mapped file in that folder: the system writes
its pages out and takes their memory back when it needs it. The files have no names (or lose them at
once, where a system cannot do that), so that nothing is left behind, whatever ends the process.
Outside, and on other devices than the CPU, arrays are in memory as ever. The values are the same.
"""

from __future__ import annotations

import errno
import mmap
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray
from torch import Tensor

# Bytes of an array that is still in memory: a dozen of these are less than the libraries take, and
# what is small would pay for the making of a file and gain nothing.
LIMIT = 2**24
BLOCK = 4096  # rows at once where all of them together would need another such array

_place: ContextVar[tuple[Path, int] | None] = ContextVar("place of large arrays", default=None)


@contextmanager
def files_in(folder: Path, limit: int | None = None) -> Iterator[None]:
    """Arrays that are made inside lie in files of a folder where they are large.

    Args:
        folder: is there, on a disk with room for them; not in memory, as /tmp may be.
        limit: bytes of an array that is still in memory; None: `LIMIT`.
    """
    token = _place.set((folder, LIMIT if limit is None else limit))
    try:
        yield
    finally:
        _place.reset(token)


def blocks(count: int) -> list[slice]:
    """Of so many rows, `BLOCK` at a time."""
    return [slice(start, start + BLOCK) for start in range(0, count, BLOCK)]


def open_file(size: int) -> IO[bytes] | None:
    """A new file of so many bytes; None where they are to be in memory.

    Raises:
        OSError: the disk is full, or cannot be written to.
    """
    place = _place.get()
    if place is None or size <= max(place[1], 0):  # of nothing there is no file
        return None
    try:
        file = tempfile.TemporaryFile(dir=place[0])  # noqa: SIM115  (the caller closes it)
        # Reserved now: writing to a mapped file on a full disk would kill the process.
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
        else:
            file.truncate(size)
    except OSError as error:  # with the folder, for the file has no name
        raise OSError(error.errno or errno.EIO, error.strerror, str(place[0])) from error
    return file


def _mapped(file: IO[bytes], shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    with file:  # the map stays
        return np.frombuffer(mmap.mmap(file.fileno(), 0), dtype).reshape(shape)


def empty(shape: tuple[int, ...], dtype: DTypeLike = np.float32) -> NDArray[Any]:
    """An array whose values are not set; raises OSError, see `open_file`."""
    file = open_file(prod(shape) * np.dtype(dtype).itemsize)
    return np.empty(shape, dtype) if file is None else _mapped(file, shape, dtype)


def empty_tensor(like: Tensor, shape: tuple[int, ...] | None = None) -> Tensor:
    """A tensor of another's type and device, and of its shape or another one; see `empty`."""
    shape = tuple(like.shape) if shape is None else shape
    file = open_file(prod(shape) * like.itemsize) if like.device.type == "cpu" else None
    if file is None:
        return like.new_empty(shape)
    return torch.from_numpy(_mapped(file, shape, like.new_empty(0).numpy().dtype))


def copied(values: Tensor) -> Tensor:
    """A copy without gradients; see `empty`."""
    return empty_tensor(values).copy_(values.detach())


def product(left: Tensor, right: Tensor) -> Tensor:
    """left [N, D] @ right [D, K]; in memory where gradients flow, else see `empty`."""
    if torch.is_grad_enabled() and (left.requires_grad or right.requires_grad):
        return left @ right
    return torch.mm(left, right, out=empty_tensor(left, (len(left), right.shape[1])))


def taken(values: Tensor, rows: Tensor) -> Tensor:
    """values [N, ...][rows], without gradients, rows of any shape; see `empty`."""
    shape = tuple(values.shape[1:])
    found = empty_tensor(values, (rows.numel(), *shape))
    torch.index_select(values.detach(), 0, rows.flatten(), out=found)
    return found.reshape(*rows.shape, *shape)


class Rows:
    """Batches of rows as they come, without gradients, and all of them in the end."""

    def __init__(self) -> None:
        self._parts: list[Tensor] = []
        self._count = self._bytes = 0
        self._file: IO[bytes] | None = None

    def __len__(self) -> int:
        return self._count

    def append(self, rows: Tensor) -> None:
        """Add a batch [B, ...]; raises OSError, see `open_file`."""
        self._parts.append(rows)
        self._count += len(rows)
        self._bytes += rows.nbytes
        if self._file is None and rows.device.type == "cpu":
            self._file = open_file(self._bytes)
        if self._file is not None:
            for part in self._parts:
                self._file.write(part.contiguous().numpy().data)
            self._parts = [rows[:0]]  # of what kind they are

    def whole(self) -> Tensor:
        """[N, ...] all of them, once; RuntimeError where there were none."""
        if self._file is None:
            return torch.cat(self._parts)
        self._file.flush()
        (kind,) = self._parts
        found = _mapped(self._file, (self._count, *kind.shape[1:]), kind.numpy().dtype)
        return torch.from_numpy(found)
