"""Features on disk: whole or missing, whoever writes, whatever a killed writer left."""

from __future__ import annotations

import io
import multiprocessing
from pathlib import Path

import numpy as np
import pytest

from genmix_da.errors import UserError
from genmix_da.frozen import store as store_module
from genmix_da.frozen.store import FeatureStore, tables_in
from genmix_da.sealed import write_sealed

PICTURE = np.zeros((4, 4, 3), dtype=np.uint8)
SHAPE = (6, 2)


def entry(number: int) -> np.ndarray:
    return np.arange(12, dtype=np.float32).reshape(SHAPE) + 100 * number


def keys_of(store: FeatureStore, count: int) -> list[bytes]:
    return [store.key(np.full((4, 4, 3), n, np.uint8)) for n in range(count)]


def found(store: FeatureStore, keys: list[bytes]) -> list[list[list[float]] | None]:
    """What is kept under each key."""
    rows = store.find(keys)
    array = store.table.array()
    return [None if row < 0 else array[row].tolist() for row in rows]


def opened(root: Path, shape: tuple[int, int] = SHAPE) -> FeatureStore:
    return FeatureStore(root, "encoder", shape)


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    return opened(tmp_path)


def test_what_is_written_is_read(store: FeatureStore, tmp_path: Path) -> None:
    keys = keys_of(store, 5)
    assert found(store, keys) == [None] * 5
    store.add(keys[:2], np.stack([entry(0), entry(1)]))
    store.add(keys[3:4], entry(3)[np.newaxis])
    wanted = [entry(0).tolist(), entry(1).tolist(), None, entry(3).tolist(), None]
    # As its writer sees it, and as another process does that reads it all at once.
    for seen in (store, opened(tmp_path)):
        assert found(seen, keys) == wanted
        assert found(seen, keys[::-1]) == wanted[::-1]
        assert isinstance(seen.table.array(), np.memmap)
        assert seen.table.array().shape == (3, 6, 2)
    assert [table.path for table in tables_in(tmp_path)] == [store.table.path]


def test_what_is_known_is_not_kept_twice(store: FeatureStore, tmp_path: Path) -> None:
    keys = keys_of(store, 3)
    opened(tmp_path).add(keys[:2], np.stack([entry(0), entry(1)]))
    store.add(keys, np.stack([entry(7), entry(8), entry(2)]))
    assert found(store, keys) == [entry(0).tolist(), entry(1).tolist(), entry(2).tolist()]
    assert len(store.table) == 3


def test_keys_tell_pixels_sizes_and_encoders_apart(store: FeatureStore, tmp_path: Path) -> None:
    other = PICTURE.copy()
    other[1, 2, 0] = 1
    keys = {
        store.key(PICTURE),
        store.key(other),
        store.key(PICTURE.reshape(2, 8, 3)),
        FeatureStore(tmp_path, "another", SHAPE).key(PICTURE),
    }
    assert len(keys) == 4
    assert store.key(np.asfortranarray(other)) == store.key(other)


@pytest.mark.parametrize("what", ["rows", "keys"])
@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "gone", "text"])
def test_what_is_damaged_is_missing_and_made_again(
    store: FeatureStore, tmp_path: Path, what: str, damage: str
) -> None:
    keys = keys_of(store, 4)
    store.add(keys, np.stack([entry(n) for n in range(4)]))
    path = store.table.path if what == "rows" else store.table.keys_path
    content = bytearray(path.read_bytes())
    width = len(content) // 4
    if damage == "gone":
        path.unlink()
    else:
        middle = 2 * width + 5  # of the third
        flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        changed = {"empty": b"", "cut": content[:middle], "flipped": flipped, "text": b"no rows"}
        path.write_bytes(changed[damage])
    whole = {"cut": [True, True, False, False], "flipped": [True, True, False, True]}
    # Whoever read a record before it was damaged holds a good one.
    readers = [opened(tmp_path)] if (what, damage) == ("keys", "flipped") else []
    for seen in readers or (opened(tmp_path), store):
        known = [one is not None for one in found(seen, keys)]
        assert known == whole.get(damage, [False] * 4)
    opened(tmp_path).add(keys, np.stack([entry(n) for n in range(4)]))
    for seen in (opened(tmp_path), store):
        assert found(seen, keys) == [entry(n).tolist() for n in range(4)]


def test_damage_is_said_once(
    store: FeatureStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keys = keys_of(store, 3)
    store.add(keys, np.stack([entry(n) for n in range(3)]))
    content = bytearray(store.table.path.read_bytes())
    content[5] ^= 1
    store.table.path.write_bytes(content)
    assert store.find(keys).tolist() == [-1, 1, 2]
    store.add(keys, np.stack([entry(n) for n in range(3)]))
    assert [one is not None for one in found(store, keys)] == [True] * 3
    said = [line for line in caplog.messages if "are damaged and are made again" in line]
    assert said == [f"1 features in {store.table.path} are damaged and are made again"]


def test_what_a_killed_writer_left_is_written_over(store: FeatureStore, tmp_path: Path) -> None:
    keys = keys_of(store, 3)
    store.add(keys[:1], entry(0)[np.newaxis])
    with store.table.path.open("ab") as rows, store.table.keys_path.open("ab") as records:
        rows.write(b"half a row")
        records.write(b"half a record")
    other = opened(tmp_path)
    assert [one is not None for one in found(other, keys)] == [True, False, False]
    other.add(keys[1:], np.stack([entry(1), entry(2)]))
    for seen in (store, other, opened(tmp_path)):
        assert found(seen, keys) == [entry(n).tolist() for n in range(3)]


def test_a_store_that_was_removed_is_empty(store: FeatureStore, tmp_path: Path) -> None:
    keys = keys_of(store, 2)
    store.add(keys, np.stack([entry(0), entry(1)]))
    mapped = store.table.array()
    store.table.path.unlink()
    store.table.keys_path.unlink()
    assert found(store, keys) == [None, None]
    with pytest.raises(UserError, match="run it again"):
        store.expect(keys)
    assert mapped[1].tolist() == entry(1).tolist()  # whoever has mapped it keeps it
    store.add(keys[1:], entry(1)[np.newaxis])
    assert found(store, keys) == [None, entry(1).tolist()]


def test_shapes_have_files_of_their_own(store: FeatureStore, tmp_path: Path) -> None:
    keys = keys_of(store, 1)
    store.add(keys, entry(0)[np.newaxis])
    assert opened(tmp_path, (6, 3)).find(keys).tolist() == [-1]


def test_entries_of_earlier_versions_are_taken_over(store: FeatureStore, tmp_path: Path) -> None:
    keys = keys_of(store, 2)
    for number, key in enumerate(keys):
        body = io.BytesIO()
        np.save(body, entry(number))
        write_sealed(store.folder / key.hex()[:2] / f"{key.hex()}.npy", body.getvalue())
    assert found(store, keys) == [entry(0).tolist(), entry(1).tolist()]
    for file in store.folder.glob("*/*.npy"):
        file.unlink()
    assert found(opened(tmp_path), keys) == [entry(0).tolist(), entry(1).tolist()]


def _write_many(root: Path, order: list[int]) -> None:
    store = opened(root)
    keys = keys_of(store, 40)
    for number in order:
        store.add([keys[number]], entry(number)[np.newaxis])


def test_many_writers_leave_every_row_once(tmp_path: Path) -> None:
    orders = [list(range(40)), list(range(40))[::-1], [*range(20, 40), *range(20)]]
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_write_many, args=(tmp_path, order)) for order in orders]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    store = opened(tmp_path)
    assert found(store, keys_of(store, 40)) == [entry(n).tolist() for n in range(40)]
    assert len(store.table) == 40
    assert not store.table.damaged()


def test_a_file_system_without_locks(store: FeatureStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: object, *arguments: object, **options: object) -> None:
        raise NotImplementedError("no flock")

    monkeypatch.setattr(store_module.FileLock, "acquire", refuse)
    with pytest.raises(UserError, match="knows no locks; set GENMIX_DA_CACHE"):
        store.add(keys_of(store, 1), entry(0)[np.newaxis])
