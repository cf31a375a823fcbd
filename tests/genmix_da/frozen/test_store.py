"""Features on disk: whole or missing, whoever writes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from genmix_da.frozen.store import FeatureStore

ENTRY = np.arange(12, dtype=np.float32).reshape(6, 2)
PICTURE = np.zeros((4, 4, 3), dtype=np.uint8)


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    return FeatureStore(tmp_path, "encoder", (6, 2))


def test_what_is_written_is_read(store: FeatureStore) -> None:
    key = store.key(PICTURE)
    assert store.read(key) is None
    store.write(key, ENTRY)
    found = store.read(key)
    assert found is not None
    assert found.dtype == np.float32
    assert np.array_equal(found, ENTRY)
    assert np.array_equal(np.load(store.path(key)), ENTRY)  # for whoever looks at it


def test_keys_tell_pixels_sizes_and_encoders_apart(store: FeatureStore, tmp_path: Path) -> None:
    other = PICTURE.copy()
    other[1, 2, 0] = 1
    keys = {
        store.key(PICTURE),
        store.key(other),
        store.key(PICTURE.reshape(2, 8, 3)),
        FeatureStore(tmp_path, "another", (6, 2)).key(PICTURE),
    }
    assert len(keys) == 4
    assert store.key(np.asfortranarray(other)) == store.key(other)


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "text", "shape"])
def test_a_damaged_entry_is_missing(store: FeatureStore, tmp_path: Path, damage: str) -> None:
    key = store.key(PICTURE)
    store.write(key, ENTRY)
    path = store.path(key)
    content = bytearray(path.read_bytes())
    if damage == "empty":
        content = bytearray()
    elif damage == "cut":
        content = content[: len(content) // 2]
    elif damage == "flipped":
        content[-40] ^= 1
    elif damage == "text":
        content = bytearray(b"not an array")
    path.write_bytes(content)
    if damage == "shape":
        store = FeatureStore(tmp_path, "encoder", (6, 3))
    assert store.read(key) is None


def test_many_writers_leave_whole_files(store: FeatureStore) -> None:
    key = store.key(PICTURE)

    def write_and_read(number: int) -> bool:
        store.write(key, ENTRY)
        found = store.read(key)
        return found is not None and np.array_equal(found, ENTRY)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(write_and_read, range(64)))
    assert [file.name for file in store.path(key).parent.iterdir()] == [f"{key}.npy"]
