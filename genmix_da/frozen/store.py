"""Features on disk: one growing array an encoder, found by the hash of what was encoded.

FOLDER/features_VxF.f32   rows [V, F] float32, one behind the other, to be memory-mapped
FOLDER/features_VxF.keys  a record for each row: hash of the picture, CRC of the row, CRC of both

A row is written before its record, under a lock, and is there once its record is: what a killed
process left behind its last record is written over. A row or record that is damaged counts as
missing and is made again, behind the others. Many processes may fill the store at once; the same
picture in two domains, or in two settings of one, is one row.
"""

from __future__ import annotations

import hashlib
import io
import logging
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from genmix_da.errors import UserError
from genmix_da.sealed import read_sealed

Features = NDArray[np.float32]

_RECORD = np.dtype([("key", "V32"), ("crc", "<u4"), ("seal", "<u4")])
_FORGOTTEN = bytes(_RECORD.itemsize)

logger = logging.getLogger(__name__)


class FeatureStore:
    """Features of one encoder.

    Args:
        root: folder of all stores.
        identity: everything beside the pixels that decides a feature.
        shape: [V, F] of every row.
    """

    def __init__(self, root: Path, identity: str, shape: tuple[int, int]) -> None:
        self._seed = hashlib.sha256(identity.encode())
        self.folder = root / self._seed.hexdigest()[:16]
        self.table = FeatureTable(self.folder / "features_{}x{}.f32".format(*shape), shape)

    def key(self, picture: NDArray[np.uint8]) -> bytes:
        """What a picture's features are found by: hash of its pixels, its size, the identity."""
        digest = self._seed.copy()
        digest.update(str(picture.shape).encode())
        digest.update(np.ascontiguousarray(picture).data)
        return digest.digest()

    def find(self, keys: Sequence[bytes]) -> NDArray[np.int64]:
        """Rows [N] of `table.array()`, -1 where a feature is missing or damaged."""
        rows = self.table.find(keys)
        for place in np.flatnonzero(rows < 0).tolist():
            if (kept := self._of_earlier_version(keys[place])) is not None:
                self.add([keys[place]], kept[np.newaxis])
                rows[place] = self.table.find([keys[place]])[0]
        return rows

    def expect(self, keys: Sequence[bytes]) -> NDArray[np.int64]:
        """Rows [N] of what was added.

        Raises:
            UserError: some are gone.
        """
        rows = self.find(keys)
        if (rows < 0).any():
            raise UserError(
                f"features went from {self.folder} while others were made; run it again, and empty "
                "the cache when no run is going on."
            )
        return rows

    def add(self, keys: Sequence[bytes], features: Features) -> None:
        """Keep features [B, V, F] of B pictures.

        Raises:
            OSError: they cannot be written.
            UserError: the file system knows no locks.
        """
        self.table.add(keys, features)

    def _of_earlier_version(self, key: bytes) -> Features | None:
        """[V, F] from a file of its own, as earlier versions kept them."""
        name = key.hex()
        body = read_sealed(self.folder / name[:2] / f"{name}.npy", lambda _: False)
        if body is None:
            return None
        kept: Features = np.load(io.BytesIO(body), allow_pickle=False)
        return kept if kept.shape == self.table.shape else None


class FeatureTable:
    """A file of rows and that of its keys.

    Args:
        path: of the rows; the keys lie beside it.
        shape: [V, F] of a row.
    """

    def __init__(self, path: Path, shape: tuple[int, int]) -> None:
        self.path, self.shape = path, shape
        self.keys_path = path.with_suffix(".keys")
        self._width = 4 * shape[0] * shape[1]
        self._forget_all()

    def _forget_all(self) -> None:
        # Those of the first reading are sorted, at 80 bytes each; later ones have a dictionary.
        self._records = np.empty(0, _RECORD)
        self._order = np.empty(0, np.int64)
        self._in_order = self._records["key"]
        self._later: list[np.void] = []
        self._later_rows: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._records) + len(self._later)

    def array(self) -> Features:
        """[K, V, F], memory-mapped, of all rows that are there."""
        count = min(len(self), _size(self.path) // self._width)
        if count == 0:
            return np.empty((0, *self.shape), np.float32)
        return np.memmap(self.path, np.float32, "r", shape=(count, *self.shape))

    def find(self, keys: Sequence[bytes]) -> NDArray[np.int64]:
        """Rows [N], -1 where a key has none, or one that is damaged, which is said."""
        rows = self._rows(keys)
        array = self.array()
        damaged = [place for place, row in enumerate(rows) if self._is_damaged(array, row)]
        if damaged:
            logger.warning(
                "%d features in %s are damaged and are made again", len(damaged), self.path
            )
            rows[damaged] = -1
        return rows

    def _rows(self, keys: Sequence[bytes]) -> NDArray[np.int64]:
        """Rows [N], -1 where a key has none."""
        self._refresh()
        rows = np.full(len(keys), -1, np.int64)
        if len(self._records):
            wanted = np.frombuffer(b"".join(keys), "V32")
            # Of rows with one key the last one: an earlier one was damaged.
            places = np.searchsorted(self._in_order, wanted, side="right") - 1
            hit = (places >= 0) & (self._in_order[places] == wanted)
            rows[hit] = self._order[places[hit]]
        for place, key in enumerate(keys if self._later_rows else ()):
            rows[place] = self._later_rows.get(key, int(rows[place]))
        return rows

    def add(self, keys: Sequence[bytes], features: Features) -> None:
        """See `FeatureStore.add`; what another process added meanwhile is not added again."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._locked():
            known, array = self._rows(keys), self.array()
            new = [n for n, row in enumerate(known) if row < 0 or self._is_damaged(array, row)]
            records = np.zeros(len(new), _RECORD)
            rows = np.ascontiguousarray(features[new], np.float32)
            for place, index in enumerate(new):
                crc = zlib.crc32(rows[place].data)
                records[place] = (keys[index], crc, _seal(keys[index], crc))
            count = len(self)
            _write(self.path, count * self._width, rows.tobytes())
            _write(self.keys_path, count * _RECORD.itemsize, records.tobytes())
            self._refresh()

    def damaged(self) -> list[int]:
        """Rows that are not what their records say, or whose records are damaged."""
        self._refresh()
        array = self.array()
        held = [row for row in range(len(self)) if self._record(row).tobytes() != _FORGOTTEN]
        return [row for row in held if self._is_damaged(array, row)]

    def forget(self, rows: Sequence[int]) -> None:
        """Take the records of some rows out, so that they are made again."""
        with self._locked():
            for row in rows:
                _write(self.keys_path, row * _RECORD.itemsize, _FORGOTTEN)
        self._forget_all()

    def _record(self, row: int) -> np.void:
        first = len(self._records)
        return self._records[row] if row < first else self._later[row - first]

    def _is_damaged(self, array: Features, row: int) -> bool:
        """Whether a row, if it is one at all, is not what its record says."""
        if row < 0:
            return False
        if row >= len(array):
            return True
        record = self._record(row)
        crc = zlib.crc32(np.ascontiguousarray(array[row]).data)
        return (crc, _seal(record["key"].tobytes(), crc)) != (record["crc"], record["seal"])

    def _refresh(self) -> None:
        """Read the records that are new; all of them where the file is another."""
        count, known = _size(self.keys_path) // _RECORD.itemsize, len(self)
        if count < known:
            self._forget_all()
            known = 0
        if count == known:
            return
        fresh = np.fromfile(self.keys_path, _RECORD, count - known, offset=known * _RECORD.itemsize)
        if known:
            self._later += list(fresh)
            self._later_rows |= {kept["key"].tobytes(): known + n for n, kept in enumerate(fresh)}
        else:
            self._records = fresh
            self._order = np.argsort(fresh["key"], kind="stable")
            self._in_order = fresh["key"][self._order]

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            with FileLock(self.keys_path.with_suffix(".lock")):
                yield
        except NotImplementedError as error:
            raise UserError(
                f"the file system of {self.path.parent} knows no locks; set GENMIX_DA_CACHE to a "
                "folder of another one."
            ) from error


def tables_in(folder: Path) -> list[FeatureTable]:
    """The tables below a folder of stores."""
    found = []
    for path in sorted(folder.glob("*/features_*x*.f32")):
        views, _, width = path.stem.removeprefix("features_").partition("x")
        if views.isdecimal() and width.isdecimal():
            found.append(FeatureTable(path, (int(views), int(width))))
    return found


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _seal(key: bytes, crc: int) -> int:
    return zlib.crc32(key + crc.to_bytes(4, "little"))


def _write(path: Path, offset: int, content: bytes) -> None:
    with path.open("r+b" if path.exists() else "xb") as file:
        file.seek(offset)
        file.write(content)
