"""Decoded images in the cache against the files: what changed under the same size and times."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from genmix_da.data.check import look_over
from genmix_da.data.decode import _key, decode_domain
from genmix_da.data.domains import load_domain
from genmix_da.data.spelling import Spelling
from genmix_da.data.verify import Verified, verify


@pytest.fixture
def root(make_data: Callable, tmp_path: Path) -> Path:
    return Path(make_data(tmp_path / "own", ("Art", "Photo"), ("a", "b"), 3))


def arrays(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "cache" / "images").glob("*.npy"))


def verified(root: Path) -> Verified:
    checked = look_over(root)
    return verify(checked.everything.held, checked.digests)


def changed_unseen(root: Path, tmp_path: Path, image: Path, side: int = 8) -> None:
    """Other contents, and the cache takes them for those that it has decoded.

    No program can set an inode's change time: the cached files take the name that the file of
    now has.
    """
    before = _key(load_domain(root, "Art"), side, "bilinear")
    shutil.copy(root / "Photo" / "b" / "02.jpg", image)
    after = _key(load_domain(root, "Art"), side, "bilinear")
    assert before != after
    for suffix in (".npy", ".json"):
        folder = tmp_path / "cache" / "images"
        (folder / f"{before}{suffix}").rename(folder / f"{after}{suffix}")


def test_nothing_cached(root: Path) -> None:
    assert verified(root) == Verified(0, (), 0)


def test_as_they_were(root: Path, tmp_path: Path) -> None:
    for side, how in ((8, "bilinear"), (8, "bicubic"), (12, "bilinear")):
        decode_domain(load_domain(root, "Art"), side, how)
    decode_domain(load_domain(root, "Photo"), 8, "bilinear")
    assert verified(root) == Verified(4, (), 0)
    assert len(arrays(tmp_path)) == 4


def test_a_changed_file_is_named_and_its_arrays_are_removed(root: Path, tmp_path: Path) -> None:
    for name in ("Art", "Photo"):
        decode_domain(load_domain(root, name), 8, "bilinear")
    image = root / "Art" / "a" / "00.jpg"
    changed_unseen(root, tmp_path, image)
    stale = decode_domain(load_domain(root, "Art"), 8, "bilinear")
    assert verified(root) == Verified(2, (str(image),), 0)
    assert len(arrays(tmp_path)) == 1
    made = decode_domain(load_domain(root, "Art"), 8, "bilinear")
    assert made.contents != stale.contents
    assert verified(root) == Verified(2, (), 0)


def test_a_file_that_is_no_image_any_more_is_named(root: Path, tmp_path: Path) -> None:
    decode_domain(load_domain(root, "Art"), 8, "bilinear")
    image = root / "Photo" / "b" / "02.jpg"
    image.write_bytes(b"junk")
    changed_unseen(root, tmp_path, root / "Art" / "a" / "01.png")
    assert verified(root).changed == (str(root / "Art" / "a" / "01.png"),)


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


def test_what_was_not_compared_is_counted(root: Path) -> None:
    decode_domain(load_domain(root, "Art").part(range(2)), 8, "bilinear")
    assert verified(root) == Verified(0, (), 1)


def test_notes_that_are_none_are_passed_over(root: Path, tmp_path: Path) -> None:
    decode_domain(load_domain(root, "Art"), 8, "bilinear")
    (tmp_path / "cache" / "images" / "junk.json").write_text("[]")
    arrays(tmp_path)[0].with_suffix(".json").write_text("{")
    assert verified(root) == Verified(0, (), 0)
