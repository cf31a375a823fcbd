"""The store of edits: keys that tell everything apart, whole files, damage that mends itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genmix_da.augment.cache import EditCache, Failure, decode_jpeg, edit_key, encode_jpeg
from genmix_da.augment.prompts import Style
from genmix_da.sealed import SIZE, unsealed

KEY = "ab" + "0" * 38
STYLE = Style("ink", "ink", "A transformed version of image into ink")


@pytest.fixture
def cache(tmp_path: Path) -> EditCache:
    return EditCache(tmp_path / "edits")


def key(**changed: Any) -> str:
    parts: dict[str, Any] = {
        "image_hash": "00" * 32,
        "style": STYLE,
        "editor": "filters",
        "settings": {"version": 1, "steps": 20},
        "size": 512,
        "seed": 7,
    }
    return edit_key(**(parts | changed))


def test_key_is_a_file_name() -> None:
    assert len(key()) == 40
    assert set(key()) <= set("0123456789abcdef")


@pytest.mark.parametrize(
    "changed",
    [
        {"image_hash": "01" * 32},
        {"style": replace(STYLE, text="Turn it into ink")},
        {"style": replace(STYLE, negative="blur")},
        {"style": replace(STYLE, guidance=4.0)},
        {"style": replace(STYLE, image_guidance=1.5)},
        {"editor": "other"},
        {"settings": {"version": 2, "steps": 20}},
        {"settings": {"version": 1}},
        {"size": 256},
        {"seed": 8},
    ],
    ids=str,
)
def test_key_changes_with_each_ingredient(changed: dict[str, Any]) -> None:
    assert key(**changed) != key()


def test_key_ignores_what_changes_no_edit() -> None:
    assert key(settings={"steps": 20, "version": 1}) == key()
    assert key(style=replace(STYLE, name="another name")) == key()


def test_edit_round_trip(cache: EditCache, picture: Callable) -> None:
    assert cache.get(KEY) is None
    assert not cache.has(KEY)
    pixels = picture(1, 90, 61)
    cache.put(KEY, pixels)
    kept = cache.get(KEY)
    assert isinstance(kept, np.ndarray)
    assert (kept.shape, kept.dtype) == (pixels.shape, np.uint8)
    assert np.abs(kept.astype(int) - pixels).max() <= 8  # JPEG, colours at full resolution
    assert cache.has(KEY)
    assert [p.name for p in cache.folder.rglob("*") if p.is_file()] == [f"{KEY}.jpg"]


def test_channels_stay_red_green_blue(cache: EditCache) -> None:
    cache.put(KEY, np.full((16, 16, 3), (250, 20, 90), np.uint8))
    kept = cache.get(KEY)
    assert isinstance(kept, np.ndarray)
    assert np.abs(kept.reshape(-1, 3).mean(axis=0) - (250, 20, 90)).max() <= 2


def test_failure_round_trip(cache: EditCache) -> None:
    cache.put_failure(KEY, "black")
    assert cache.has(KEY)
    assert cache.get(KEY) == Failure("black")


def test_feature_round_trip(cache: EditCache) -> None:
    vector = np.random.default_rng(0).normal(size=384).astype(np.float32)
    assert cache.feature(KEY) is None
    cache.put_feature(KEY, vector)
    kept = cache.feature(KEY)
    assert kept is not None
    assert np.array_equal(kept, vector)


DAMAGE = {
    "zero bytes": lambda content: b"",
    "truncated": lambda content: content[: len(content) // 2],
    "lost tail": lambda content: content[:-200] + bytes(200),
    "other bytes": lambda content: b"not an image" * 9,
    "other bytes with an end": lambda content: b"not an image" * 9 + b"\xff\xd9",
    "one bit": lambda content: content[:700] + bytes([content[700] ^ 1]) + content[701:],
    "a seal that is cut": lambda content: content[:-1],
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=list(DAMAGE))
def test_damaged_edit_counts_as_missing(
    cache: EditCache, picture: Callable, damage: Callable[[bytes], bytes]
) -> None:
    cache.put(KEY, picture(1, 90, 61))
    file = cache.path(KEY)
    file.write_bytes(damage(file.read_bytes()))
    assert cache.get(KEY) is None
    assert not cache.has(KEY)  # and will be made again
    cache.put(KEY, picture(1, 90, 61))
    assert cache.get(KEY) is not None


def test_edits_and_features_of_earlier_versions_have_no_seal(
    cache: EditCache, picture: Callable
) -> None:
    cache.put(KEY, picture(1, 90, 61))
    cache.put_feature(KEY, np.ones(384, np.float32))
    kept = cache.get(KEY)
    for file in cache.folder.rglob("*.*"):
        file.write_bytes(file.read_bytes()[:-SIZE])
    assert cache.has(KEY)
    assert np.array_equal(np.asarray(cache.get(KEY)), np.asarray(kept))
    assert np.array_equal(np.asarray(cache.feature(KEY)), np.ones(384, np.float32))


@pytest.mark.parametrize("damage", [0, 60, 200])
def test_damaged_feature_counts_as_missing(cache: EditCache, damage: int) -> None:
    cache.put_feature(KEY, np.ones(384, np.float32))
    (file,) = cache.folder.rglob("*.npy")
    file.write_bytes(file.read_bytes()[:damage])
    assert cache.feature(KEY) is None


def test_same_pixels_same_bytes(picture: Callable) -> None:
    pixels = picture(1, 64, 64)
    assert encode_jpeg(pixels) == encode_jpeg(pixels.copy())
    again = decode_jpeg(encode_jpeg(pixels))
    assert np.array_equal(again, decode_jpeg(encode_jpeg(pixels)))


WRITER = """
import sys
from pathlib import Path
import numpy as np
from genmix_da.augment.cache import EditCache

cache = EditCache(Path(sys.argv[1]))
print("ready", flush=True)
for turn in range(200):
    for number in range(4):
        pixels = np.random.default_rng(number).integers(0, 256, (40, 40, 3), dtype=np.uint8)
        cache.put(f"{number:02}" + "0" * 38, pixels)
        assert cache.get(f"{number:02}" + "0" * 38) is not None
"""


def test_two_writers_leave_whole_files(cache: EditCache) -> None:
    command = [sys.executable, "-c", WRITER, str(cache.folder)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    pictures = {
        f"{n:02}{'0' * 38}": np.random.default_rng(n).integers(0, 256, (40, 40, 3), dtype=np.uint8)
        for n in range(4)
    }
    turns = 0
    while child.poll() is None:
        for key_of, pixels in pictures.items():
            cache.put(key_of, pixels)
            assert cache.get(key_of) is not None
        turns += 1
    _, said = child.communicate()
    assert child.returncode == 0, said
    assert turns > 5  # they did write at the same time
    files = sorted(p for p in cache.folder.rglob("*") if p.is_file())
    assert [p.name for p in files] == [f"{key_of}.jpg" for key_of in pictures]
    for file, pixels in zip(files, pictures.values(), strict=True):
        assert unsealed(file.read_bytes(), lambda _: False, file.name) == encode_jpeg(pixels)
