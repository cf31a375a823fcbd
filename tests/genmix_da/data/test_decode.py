"""A decoded domain: order, what is left out, and the cache; kinds of images are elsewhere."""

from __future__ import annotations

import dataclasses
import json
import os
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genmix_da.data import decode
from genmix_da.data.decode import decode_domain
from genmix_da.data.domain import Domain
from genmix_da.data.domains import load_domain
from genmix_da.data.grey import GreyRange
from genmix_da.data.opening import LIMIT
from genmix_da.data.pixels import read_image
from genmix_da.errors import UserError

RED = (200, 30, 60)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for every image that is decoded."""
    seen: list[int] = []
    read = decode.read_image

    def counted(content: bytes, grey: GreyRange) -> Image.Image:
        seen.append(len(content))
        return read(content, grey)

    monkeypatch.setattr(decode, "read_image", counted)
    return seen


def test_decoding_in_threads_leaves_the_warning_filters_alone(
    make_data: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    domain = load_domain(make_data(tmp_path / "d", ("Art",), ("a", "b"), 40), "Art")
    Image.new("RGB", (30, 30)).save(domain.images[7])
    monkeypatch.setenv(LIMIT, "500")
    before = list(warnings.filters)
    with warnings.catch_warnings(record=True) as heard:
        decoded = decode_domain(domain, 8, "bilinear")
    ((path, reason),) = decoded.skipped
    assert (path, reason[:15]) == (str(domain.images[7]), "too many pixels")
    assert heard == []
    assert warnings.filters == before


def test_pixels_are_the_resized_images_in_order(data: Path) -> None:
    domain = load_domain(data, "Art")
    decoded = decode_domain(domain, 30, "bilinear")
    assert decoded.pixels.shape == (72, 30, 30, 3)
    assert decoded.pixels.dtype == np.uint8
    assert decoded.domain == domain
    assert decoded.skipped == ()
    for row in (0, 17, 71):
        with Image.open(domain.images[row]) as image:
            wanted = np.asarray(image.convert("RGB").resize((30, 30), Image.Resampling.BILINEAR))
        assert np.array_equal(decoded.pixels[row], wanted)


def test_second_time_decodes_nothing(data: Path, reads: list[int]) -> None:
    domain = load_domain(data, "Art")
    first = decode_domain(domain, 24, "bilinear")
    assert len(reads) == 72
    second = decode_domain(domain, 24, "bilinear")
    assert len(reads) == 72
    assert np.array_equal(first.pixels, second.pixels)
    assert (first.domain, first.skipped, first.fingerprint) == (
        second.domain,
        second.skipped,
        second.fingerprint,
    )


@pytest.mark.parametrize(("side", "interpolation"), [(25, "bilinear"), (24, "bicubic")])
def test_other_size_or_filter_is_another_entry(
    data: Path, reads: list[int], side: int, interpolation: str
) -> None:
    domain = load_domain(data, "Art")
    first = decode_domain(domain, 24, "bilinear")
    second = decode_domain(domain, side, interpolation)
    assert len(reads) == 144
    assert second.pixels.shape[1] == side
    assert second.fingerprint == first.fingerprint  # of the files, not of the pixels
    assert side != 24 or not np.array_equal(first.pixels, second.pixels)


def test_changed_image_is_decoded_anew(
    make_data: Callable, tmp_path: Path, reads: list[int]
) -> None:
    root = make_data(tmp_path / "d", ("Art",), ("a", "b"), 3)
    first = decode_domain(load_domain(root, "Art"), 8, "bilinear")
    changed = root / "Art" / "a" / "01.png"
    Image.new("RGB", (9, 9), RED).save(changed)
    second = decode_domain(load_domain(root, "Art"), 8, "bilinear")
    assert len(reads) == 12
    assert second.fingerprint != first.fingerprint
    assert second.pixels[1, 4, 4].tolist() == list(RED)


def test_new_modification_time_alone_changes_no_fingerprint(
    make_data: Callable, tmp_path: Path
) -> None:
    root = make_data(tmp_path / "d", ("Art",), ("a", "b"), 3)
    first = decode_domain(load_domain(root, "Art"), 8, "bilinear")
    os.utime(root / "Art" / "a" / "01.png", (1, 1))
    assert decode_domain(load_domain(root, "Art"), 8, "bilinear").fingerprint == first.fingerprint


def test_fingerprint_depends_on_the_classes(make_data: Callable, tmp_path: Path) -> None:
    domain = load_domain(make_data(tmp_path / "d", ("Art",), ("a", "b"), 3), "Art")
    other = dataclasses.replace(domain, labels=("a", "b") * 3)
    first, second = (decode_domain(one, 8, "bilinear") for one in (domain, other))
    assert first.fingerprint != second.fingerprint


def test_skipped_images_leave_no_gap(make_data: Callable, tmp_path: Path) -> None:
    root = make_data(tmp_path / "d", ("Art",), ("a", "b"), 20)
    damaged = [root / "Art" / "a" / "04.jpg", root / "Art" / "b" / "05.png"]
    damaged[0].write_bytes(b"")
    damaged[1].write_bytes(b"junk")
    domain = load_domain(root, "Art")
    decoded = decode_domain(domain, 8, "bilinear")
    assert decoded.skipped == ((str(damaged[0]), "zero bytes"), (str(damaged[1]), "not an image"))
    assert len(decoded.domain.images) == 38
    assert not set(damaged) & set(decoded.domain.images)
    assert decoded.domain.labels == ("a",) * 19 + ("b",) * 19
    last = read_image(decoded.domain.images[-1].read_bytes()).resize((8, 8), 2)
    assert np.array_equal(decoded.pixels[37], np.asarray(last))


def test_listed_image_that_is_not_there_is_skipped(data: Path, tmp_path: Path) -> None:
    images = sorted((data / "Art").glob("*/*"))
    missing = tmp_path / "gone.png"
    domain = Domain("Art", data, (*images, missing), None, ())
    decoded = decode_domain(domain, 8, "bilinear")
    assert decoded.skipped == ((str(missing), "No such file or directory"),)
    assert decoded.domain.labels is None


def test_a_failed_write_leaves_nothing_behind(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(decode.os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space"):
        decode_domain(load_domain(data, "Art"), 8, "bilinear")
    assert list((tmp_path / "cache" / "images").iterdir()) == []


def test_unreadable_domain_is_refused(tmp_path: Path) -> None:
    (tmp_path / "Art" / "a").mkdir(parents=True)
    (tmp_path / "Art" / "a" / "x.png").write_bytes(b"junk")
    for _ in range(2):  # decoded, and from the cache
        with pytest.raises(UserError, match="none of the 1 images of Art can be read"):
            decode_domain(load_domain(tmp_path, "Art"), 8, "bilinear")


@pytest.mark.parametrize("notes", ["[" * 100_000, "{", "[]", '{"kept": 3}'], ids=range(4))
def test_damaged_notes_of_the_cache_are_made_again(data: Path, tmp_path: Path, notes: str) -> None:
    first = decode_domain(load_domain(data, "Art"), 8, "bilinear")
    (file,) = (tmp_path / "cache" / "images").glob("*.json")
    file.write_text(notes)
    again = decode_domain(load_domain(data, "Art"), 8, "bilinear")
    assert (again.fingerprint, again.contents) == (first.fingerprint, first.contents)
    assert file.read_text() != notes


@pytest.mark.parametrize("change", ["kept", "fingerprint", "labels of another order"])
def test_notes_that_were_changed_are_made_again(data: Path, tmp_path: Path, change: str) -> None:
    domain = load_domain(data, "Art")
    first = decode_domain(domain, 8, "bilinear")
    (notes,) = (tmp_path / "cache" / "images").glob("*.json")
    info = json.loads(notes.read_text())
    if change == "kept":
        info["kept"][6] = 24
    elif change == "fingerprint":
        info["fingerprint"] = info["fingerprint"][:-1] + "x"
    else:
        info["contents"].reverse()
    notes.write_text(json.dumps(info))
    again = decode_domain(domain, 8, "bilinear")
    assert (again.domain, again.fingerprint, again.contents) == (
        *(first.domain, first.fingerprint),
        first.contents,
    )
