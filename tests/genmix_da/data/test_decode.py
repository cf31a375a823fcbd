"""Decoding: every kind of image file that occurs, damaged ones, and the cache."""

from __future__ import annotations

import dataclasses
import io
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from genmix_da.data import decode
from genmix_da.data.decode import decode_domain
from genmix_da.data.domain import Domain
from genmix_da.data.domains import load_domain
from genmix_da.data.grey import GreyRange
from genmix_da.data.pixels import LIMIT, pil_warnings_ignored, read_image
from genmix_da.errors import UserError

RED = (200, 30, 60)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def colour_of(content: bytes) -> list[int]:
    image = read_image(content)
    assert image.mode == "RGB"
    return [int(value) for value in np.asarray(image).reshape(-1, 3).mean(axis=0).round()]


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


# --- kinds of images -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "WEBP", "TIFF"])
def test_rgb(kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    content = encoded(Image.new("RGB", (16, 16), RED), kind, **options)
    assert colour_of(content) == pytest.approx(RED, abs=2)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_grey_becomes_three_equal_channels(kind: str) -> None:
    assert colour_of(encoded(Image.new("L", (16, 16), 90), kind)) == [90, 90, 90]


def test_black_and_white() -> None:
    assert colour_of(encoded(Image.new("1", (16, 16), 1), "PNG")) == [255, 255, 255]


def test_palette() -> None:
    image = Image.new("RGB", (16, 16), RED).quantize(4)
    assert image.mode == "P"
    assert colour_of(encoded(image, "PNG")) == list(RED)


def on_white(colour: tuple[int, ...], alpha: int) -> list[int]:
    return [round((value * alpha + 255 * (255 - alpha)) / 255) for value in colour]


def test_palette_with_transparency() -> None:
    image = Image.new("RGB", (16, 16), RED).quantize(4)
    content = encoded(image, "PNG", transparency=b"\x80\x00")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pil_warnings_ignored():
            assert colour_of(content) == pytest.approx(on_white(RED, 128), abs=1)


@pytest.mark.parametrize("alpha", [0, 100, 255])
def test_alpha_ends_on_white(alpha: int) -> None:
    colour = colour_of(encoded(Image.new("RGBA", (16, 16), (*RED, alpha)), "PNG"))
    assert colour == pytest.approx(on_white(RED, alpha), abs=1)
    grey = colour_of(encoded(Image.new("LA", (16, 16), (90, alpha)), "PNG"))
    assert grey == pytest.approx(on_white((90,) * 3, alpha), abs=1)


def test_transparent_colour_of_an_image_without_alpha_ends_on_white() -> None:
    content = encoded(Image.new("RGB", (16, 16), RED), "PNG", transparency=RED)
    assert colour_of(content) == [255, 255, 255]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_exif_rotated_image_comes_upright(kind: str, orientation: int) -> None:
    upright = np.full((24, 16, 3), 255, dtype=np.uint8)
    upright[:8, :8] = RED  # the corner at the top left
    # Stored as EXIF says: the reader's turn must undo it.
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(np.ascontiguousarray(stored))
    seen = np.asarray(read_image(encoded(image, kind, exif=exif)))
    assert seen.shape == upright.shape
    assert np.abs(seen[2:6, 2:6].astype(int) - RED).max() < 24
    assert seen[12:].min() > 230
    assert seen[:, 12:].min() > 230


def test_damaged_exif_data_do_not_cost_the_image() -> None:
    options = {"quality": 95, "exif": b"Exif\x00\x00II*\x00\xff\xff\xff\xff"}
    content = encoded(Image.new("RGB", (16, 16), RED), "JPEG", **options)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pil_warnings_ignored():
            assert colour_of(content) == pytest.approx(RED, abs=4)


def test_cmyk() -> None:
    content = encoded(Image.new("RGB", (16, 16), RED).convert("CMYK"), "JPEG", quality=95)
    assert colour_of(content) == pytest.approx(RED, abs=4)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bit_grey_is_scaled_and_not_clipped(kind: str) -> None:
    values = np.arange(256, dtype=np.uint16).reshape(16, 16) * 257
    seen = np.asarray(read_image(encoded(Image.fromarray(values), kind)))
    assert np.array_equal(seen, np.repeat(np.arange(256).reshape(16, 16, 1), 3, axis=2))


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_animation_gives_its_first_frame(kind: str) -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in (RED, (0, 0, 255), (0, 255, 0))]
    options = {"lossless": True} if kind == "WEBP" else {}
    content = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    assert colour_of(content) == pytest.approx(RED, abs=3)


# --- damaged files ---------------------------------------------------------------------------


def test_zero_bytes() -> None:
    with pytest.raises(ValueError, match="zero bytes"):
        read_image(b"")


@pytest.mark.parametrize("content", [b"no image at all", b"\x89PNG\r\n\x1a\n", b"<html></html>"])
def test_no_image(content: bytes) -> None:
    with pytest.raises(ValueError, match="not an image"):
        read_image(content)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP"])
def test_truncated(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    content = encoded(Image.fromarray(noise), kind)
    with pytest.raises(ValueError, match=r".") as caught:
        read_image(content[: len(content) // 2])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("side", [40, 60])
def test_decompression_bomb(side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    content = encoded(Image.new("RGB", (side, side)), "PNG")
    monkeypatch.setenv(LIMIT, "1e3")
    with pil_warnings_ignored(), pytest.raises(ValueError, match="too many pixels"):
        read_image(content)
    monkeypatch.delenv(LIMIT)
    assert read_image(content).size == (side, side)


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


# --- a domain --------------------------------------------------------------------------------


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
        with pytest.raises(UserError, match="1 of 1 images of Art cannot be read"):
            decode_domain(load_domain(tmp_path, "Art"), 8, "bilinear")


@pytest.mark.parametrize("notes", ["[" * 100_000, "{", "[]", '{"kept": 3}'], ids=range(4))
def test_damaged_notes_of_the_cache_are_made_again(data: Path, tmp_path: Path, notes: str) -> None:
    first = decode_domain(load_domain(data, "Art"), 8, "bilinear")
    (file,) = (tmp_path / "cache" / "images").glob("*.json")
    file.write_text(notes)
    again = decode_domain(load_domain(data, "Art"), 8, "bilinear")
    assert (again.fingerprint, again.contents) == (first.fingerprint, first.contents)
    assert file.read_text() != notes
