"""Decoded images in the cache against the files: what changed under the same size and times."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genmix_da.data.check import look_over
from genmix_da.data.decode import decode_domain
from genmix_da.data.domains import load_domain
from genmix_da.data.spelling import Spelling
from genmix_da.data.verify import Verified, verify


@pytest.fixture
def root(make_data: Callable, tmp_path: Path) -> Path:
    return Path(make_data(tmp_path / "own", ("Art", "Photo"), ("a", "b"), 3))


def arrays(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "cache" / "images").glob("*.npy"))


def notes_of(array: Path) -> dict[str, Any]:
    notes: dict[str, Any] = json.loads(array.with_suffix(".json").read_text())
    return notes


def verified(root: Path) -> Verified:
    checked = look_over(root)
    return verify(checked.everything.held, checked.digests)


@pytest.fixture
def times_lie(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files have the same size and times whatever they hold, as after a fault of the disk."""
    monkeypatch.setattr("genmix_da.data.decode._status_line", lambda image: str(image).encode())


def test_nothing_cached(root: Path) -> None:
    assert verified(root) == Verified(0, (), 0)


def test_as_they_were(root: Path, tmp_path: Path) -> None:
    for side, how in ((8, "bilinear"), (8, "bicubic"), (12, "bilinear")):
        decode_domain(load_domain(root, "Art"), side, how)
    decode_domain(load_domain(root, "Photo"), 8, "bilinear")
    assert verified(root) == Verified(4, (), 0)
    assert len(arrays(tmp_path)) == 4


def test_a_changed_file_is_named_and_its_arrays_are_removed(
    root: Path, tmp_path: Path, times_lie: None
) -> None:
    for name in ("Art", "Photo"):
        decode_domain(load_domain(root, name), 8, "bilinear")
    image = root / "Art" / "a" / "00.jpg"
    shutil.copy(root / "Photo" / "b" / "02.jpg", image)
    stale = decode_domain(load_domain(root, "Art"), 8, "bilinear")
    assert verified(root) == Verified(2, (str(image),), 0)
    assert len(arrays(tmp_path)) == 1
    made = decode_domain(load_domain(root, "Art"), 8, "bilinear")
    assert made.contents != stale.contents
    assert verified(root) == Verified(2, (), 0)


@pytest.mark.parametrize("gone", [False, True])
def test_a_file_that_is_no_image_any_more_is_named(root: Path, times_lie: None, gone: bool) -> None:
    decode_domain(load_domain(root, "Art"), 8, "bilinear")
    image = root / "Art" / "a" / "00.jpg"
    image.unlink() if gone else image.write_bytes(b"junk")
    assert verified(root).changed == (str(image),)


def test_a_target_in_the_spelling_of_its_source(
    make_data: Callable, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = make_data(tmp_path / "own", ("Art",), ("Alarm_Clock", "Bed"), 2)
    make_data(root, ("Photo",), ("alarm clock", "bed"), 2)
    spelling = Spelling(load_domain(root, "Art").classes)
    decode_domain(spelling.applied(load_domain(root, "Photo")), 8, "bilinear")
    caplog.clear()
    caplog.set_level("INFO")
    assert verified(root) == Verified(1, (), 0)
    assert caplog.text == ""  # it asks in the names of every domain, and runs none


def test_parts_are_compared_too(make_data: Callable, tmp_path: Path) -> None:
    root = make_data(tmp_path / "Art", ("train", "test"), ("a", "b"), 2)
    decode_domain(load_domain(tmp_path, "Art", part="train"), 8, "bilinear")
    decode_domain(load_domain(tmp_path, "Art"), 8, "bilinear")
    assert verified(root) == Verified(2, (), 0)


def test_arrays_of_some_images_and_of_several_domains_are_compared(root: Path) -> None:
    decode_domain(load_domain(root, "Art").part(range(2)), 8, "bilinear")
    decode_domain(load_domain(root, "Art,Photo"), 8, "bilinear")
    assert verified(root) == Verified(2, (), 0)
    assert verified(root / "Photo") == Verified(1, (), 0)  # the other's images are read


def test_what_was_not_compared_is_counted(root: Path, tmp_path: Path) -> None:
    for name in ("Art", "Photo"):
        decode_domain(load_domain(root, name), 8, "bilinear")
    (root / "Photo" / "a" / "00.jpg").touch()  # the array is of the file as it was
    earlier, _ = sorted(arrays(tmp_path), key=lambda path: "Photo" in notes_of(path)["domain"])
    new = ("images", "status", "key", "checksums", "digest")
    notes = {key: held for key, held in notes_of(earlier).items() if key not in new}
    earlier.with_suffix(".json").write_text(json.dumps(notes))
    assert verified(root) == Verified(0, (), 2)


@pytest.mark.parametrize("missing", ["status", "digest"])
def test_notes_that_lack_what_they_should_have_are_not_compared(
    root: Path, tmp_path: Path, missing: str
) -> None:
    decode_domain(load_domain(root, "Art"), 8, "bilinear")
    (array,) = arrays(tmp_path)
    notes = {key: held for key, held in notes_of(array).items() if key != missing}
    array.with_suffix(".json").write_text(json.dumps(notes))
    assert verified(root).arrays == 0


def test_notes_that_are_none_are_passed_over(root: Path, tmp_path: Path) -> None:
    decode_domain(load_domain(root, "Art"), 8, "bilinear")
    (tmp_path / "cache" / "images" / "junk.json").write_text("[]")
    arrays(tmp_path)[0].with_suffix(".json").write_text("{")
    assert verified(root) == Verified(0, (), 0)
