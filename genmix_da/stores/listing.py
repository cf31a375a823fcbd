"""Which of many small files a store has, asked a folder at a time."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genmix_da.stores.reach import store_of


class Listing:
    """Folders of stores, each listed when it is first asked for: 8 bytes a file."""

    def __init__(self) -> None:
        self._folders: dict[Path, NDArray[np.uint64]] = {}

    def holds(self, path: Path) -> bool:
        """Whether a file was there then; no where a path stands for no URL.

        Raises:
            UserError: the store can't be read.
        """
        known = self._folders.get(path.parent)
        if known is None:
            store = store_of(path.parent)
            if store is None:
                return False
            found = [_short(name) for name in store.names()]
            known = self._folders[path.parent] = np.sort(np.array(found, dtype=np.uint64))
        wanted = np.uint64(_short(path.name))
        row = int(np.searchsorted(known, wanted))
        return row < len(known) and bool(known[row] == wanted)


def _short(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode(errors="surrogateescape")).digest()[:8])
