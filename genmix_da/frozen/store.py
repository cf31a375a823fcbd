"""Features on disk: one file per image, in a folder per encoder, named by what decides them.

A file is a .npy array [V, F] float32, sealed. Many processes may fill the store at once.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genmix_da.sealed import read_sealed, write_sealed

Features = NDArray[np.float32]


class FeatureStore:
    """Features of one encoder.

    Args:
        root: folder of all stores.
        identity: everything beside the pixels that decides a feature.
        shape: [V, F] of every entry.
    """

    def __init__(self, root: Path, identity: str, shape: tuple[int, int]) -> None:
        self._seed = hashlib.sha256(identity.encode())
        self.folder = root / self._seed.hexdigest()[:16]
        self.shape = shape

    def key(self, picture: NDArray[np.uint8]) -> str:
        """The name of a picture's features: hash of its pixels, its size and the identity."""
        digest = self._seed.copy()
        digest.update(str(picture.shape).encode())
        digest.update(np.ascontiguousarray(picture).data)
        return digest.hexdigest()

    def path(self, key: str) -> Path:
        """Where an entry lies, or would lie."""
        return self.folder / key[:2] / f"{key}.npy"

    def read(self, key: str) -> Features | None:
        """An entry [V, F], or None where it is missing or damaged."""
        body = read_sealed(self.path(key), lambda _: False)
        if body is None:
            return None
        features: Features = np.load(io.BytesIO(body), allow_pickle=False)
        return features if features.shape == self.shape else None

    def write(self, key: str, features: Features) -> None:
        """Keep an entry [V, F]."""
        buffer = io.BytesIO()
        np.save(buffer, features, allow_pickle=False)
        write_sealed(self.path(key), buffer.getvalue())
