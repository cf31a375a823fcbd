"""What the cache holds: listed, pruned by age, held against checksums."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genmix_da import caches
from genmix_da.augment.cache import EditCache, edit_cache
from genmix_da.data.decode import decode_domain
from genmix_da.data.folders import folder_domain
from genmix_da.errors import UserError
from genmix_da.frozen.store import FeatureStore
from genmix_da.places import cache_folder
from office_home.mini import make

KEY = "ab" + "0" * 38


def picture(seed: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture
def filled(tmp_path: Path) -> list[Path]:
    """A file of every kind that has a checksum."""
    folder = tmp_path / "photos" / "cup"
    folder.mkdir(parents=True)
    for number in range(5):
        Image.fromarray(picture(number, 20, 20)).save(folder / f"{number}.png")
    decode_domain(folder_domain(folder.parent), 16, "bilinear")
    edits: EditCache = edit_cache()
    edits.put(KEY, picture(1, 20, 20))
    edits.put_feature(KEY, np.ones(8, np.float32))
    store = FeatureStore(cache_folder() / "features", "one", (6, 4))
    store.add([store.key(picture(2, 8, 8))], np.ones((1, 6, 4), np.float32))
    from genmix_da.augment.fractals import FractalSource

    source = FractalSource(cache_folder() / "fractals" / "v1", count=1)
    source.window(8, 8, np.random.default_rng(0))
    found = [path for path in cache_folder().rglob("*") if path.is_file()]
    assert len(found) == 8
    return found


def test_everything_is_whole(run: Callable, filled: list[Path]) -> None:
    outcome = run("cache", "verify")
    assert (outcome.code, outcome.out.splitlines()) == (0, ["5 files, 0 damaged"])


@pytest.mark.parametrize("damage", ["bit", "cut", "empty"])
def test_damaged_files_are_named_and_removed(
    run: Callable, filled: list[Path], damage: str
) -> None:
    checked = [path for path in filled if path.suffix not in (".json", ".keys", ".lock")]
    for path in checked:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes({"bit": content, "cut": content[:-7], "empty": b""}[damage])
    report = run("doctor", "--verify-cache", "--json").json()
    (finding,) = [f for f in report if f["name"] == "cached files"]
    assert finding["value"] == "5, 5 damaged"
    assert all(path.is_file() for path in checked)  # doctor changes nothing
    outcome = run("cache", "verify", "--json")
    assert outcome.code == 1
    assert {Path(path) for path in json.loads(outcome.out)["damaged"]} == set(checked)
    gone = [path for path in filled if "features" not in path.parts]
    assert not any(path.exists() for path in gone)
    # Of many features in one file those that are damaged are forgotten, the others stay.
    assert run("cache", "verify").out.splitlines() == ["1 files, 0 damaged"]


def test_list_counts_files_and_bytes(run: Callable, filled: list[Path]) -> None:
    kinds = {kind["kind"]: kind for kind in run("cache", "list", "--json").json()["kinds"]}
    assert kinds.keys() == caches.KINDS.keys()
    assert {kind: held["files"] for kind, held in kinds.items() if held["files"]} == {
        **{"images": 2, "edits": 2},
        **{"features": 3, "fractals": 1},
    }
    assert sum(held["size"] for held in kinds.values()) == sum(p.stat().st_size for p in filled)
    assert "8 files" in run("cache", "list").out.splitlines()[-1]


def test_prune_takes_what_is_old(run: Callable, filled: list[Path]) -> None:
    old = time.time() - 40 * 86400
    for path in filled:
        if "images" in path.parts or path.suffix == ".jpg":
            os.utime(path, (old, old))
    assert "3 files" in run("cache", "prune", "--older-than", "30d", "--dry-run").out
    assert all(path.exists() for path in filled)
    assert run("cache", "prune", "--older-than", "6w").out.startswith("0 files")
    assert run("cache", "prune", "--older-than", "30", "--json").json()["files"] == 3
    assert sum(path.exists() for path in filled) == 5
    assert "1 files" in run("cache", "prune", "--kind", "fractals").out
    assert not list((cache_folder() / "fractals").rglob("*.png"))


def test_half_of_a_pair_of_files_is_old(filled: list[Path]) -> None:
    old = time.time() - 40 * 86400
    (pixels,) = (cache_folder() / "images").glob("*.npy")
    os.utime(pixels, (old, old))
    assert caches.prune(["images"], 86400.0) == (0, 0)
    assert pixels.is_file()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "nothing says what to remove"),
        (("--older-than", "soon"), "'soon' is no age; give hours, days or weeks"),
        (("--older-than", ""), "nothing says what to remove"),
        (("--kind", "edit"), "did you mean 'edits'"),
    ],
)
def test_wrong_arguments(
    run: Callable,
    complaint: Callable,
    arguments: tuple[str, ...],
    expected: str,
    filled: list[Path],
) -> None:
    assert expected in complaint(run("cache", "prune", *arguments))
    assert all(path.exists() for path in filled)


@pytest.mark.parametrize(("age", "seconds"), [("12h", 43200), ("2", 172800), ("1.5 w", 907200)])
def test_ages(age: str, seconds: float) -> None:
    assert caches.seconds_of(age) == seconds


@pytest.mark.parametrize("age", ["-1d", "d", "1e3d", "nan"])
def test_no_ages(age: str) -> None:
    with pytest.raises(UserError, match="is no age"):
        caches.seconds_of(age)


def test_mini_is_held_against_what_was_drawn(
    run: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = {"Art": {"Mug": 2}, "Clipart": {"Mug": 1}}
    monkeypatch.setattr("office_home.mini.generate.counts", lambda: few)
    root = make(cache_folder() / "mini_office_home", processes=1)
    assert run("cache", "verify").out.splitlines() == ["1 files, 0 damaged"]
    image = root / "Art" / "Mug" / "0002.jpg"
    image.write_bytes((root / "Art" / "Mug" / "0001.jpg").read_bytes())
    outcome = run("cache", "verify")
    assert (outcome.code, str(root) in outcome.out) == (1, True)
    assert not root.exists()
    assert make(root, processes=1) == root
    assert run("cache", "verify").code == 0


def test_an_empty_cache(run: Callable) -> None:
    assert run("cache", "verify").out == "0 files, 0 damaged\n"
    assert json.loads(run("cache", "list", "--json").out)["kinds"][0]["used"] is None
    assert run("cache", "prune", "--older-than", "1h").out.startswith("0 files")
