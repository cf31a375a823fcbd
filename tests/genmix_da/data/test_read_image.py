"""Kinds of images and damaged files: upright RGB, or a reason."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
import pytest
from PIL import Image

from genmix_da.data.opening import LIMIT
from genmix_da.data.pixels import pil_warnings_ignored, read_image

RED = (200, 30, 60)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def colour_of(content: bytes) -> list[int]:
    image = read_image(content)
    assert image.mode == "RGB"
    return [int(value) for value in np.asarray(image).reshape(-1, 3).mean(axis=0).round()]


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
