"""Bytes of images in every format, damaged: a picture, or a reason why there is none."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from budget import examples
from damage import ANYWHERE, Damage, damaged
from fuzzed import TRIED, call, limits
from genmix_da.data.grey import GreyRange
from genmix_da.data.pixels import pil_warnings_ignored, read_image

# Format and mode; those with palettes, transparency, animation, deep grey and tiles among them.
FORMATS = (
    *(("PNG", mode) for mode in ("RGB", "RGBA", "P", "L", "I;16", "1")),
    *(("JPEG", mode) for mode in ("RGB", "L", "CMYK")),
    *(("TIFF", mode) for mode in ("RGB", "I;16", "F", "LAB", "CMYK")),
    *(("GIF", "P"), ("BMP", "RGB"), ("WEBP", "RGBA"), ("JPEG2000", "RGB"), ("PPM", "RGB")),
)


def image_of(kind: str, mode: str) -> bytes:
    """A small image with turned EXIF data, of two frames where the format has them."""
    pixels = np.random.default_rng(0).integers(0, 256, (12, 10, 3), dtype=np.uint8)
    picture = Image.fromarray(pixels)
    if mode == "LAB":
        picture = Image.frombytes("LAB", picture.size, picture.tobytes())
    elif mode in ("I;16", "F"):
        picture = Image.fromarray(
            pixels[..., 0].astype(np.uint16 if mode == "I;16" else np.float32)
        )
    else:
        picture = picture.convert(mode)
    exif = Image.Exif()
    exif[0x0112] = 6
    options: dict[str, object] = {"exif": exif} if kind in ("PNG", "JPEG", "WEBP", "TIFF") else {}
    if kind in ("GIF", "WEBP"):
        options |= {"save_all": True, "append_images": [picture.rotate(90)]}
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


IMAGES = {f"{kind} {mode}": image_of(kind, mode) for kind, mode in FORMATS}
SUFFIXES = {"JPEG": ".jpg", "JPEG2000": ".jp2", "TIFF": ".tif", "PPM": ".ppm"}
damages = st.lists(ANYWHERE, min_size=1, max_size=4)


@pytest.mark.parametrize("name", IMAGES)
def test_reader(name: str) -> None:
    @examples(60)
    @given(damages)
    def holds(by: list[Damage]) -> None:
        content = damaged(IMAGES[name], by)
        with limits(), pil_warnings_ignored():
            try:
                picture = read_image(content, GreyRange(()))
            except ValueError as error:
                TRIED["bytes of images", "refused"] += 1
                assert str(error).strip() and "\n" not in str(error)
            else:
                TRIED["bytes of images", "read"] += 1
                assert picture.mode == "RGB"

    holds()


@examples(12)
@given(st.lists(st.tuples(st.sampled_from(sorted(IMAGES)), damages), min_size=1, max_size=3))
def _folder_holds(fresh: Callable[[], Path], found: list[tuple[str, list[Damage]]]) -> None:
    folder = fresh() / "Art" / "cup"
    folder.mkdir(parents=True)
    (folder / "whole.png").write_bytes(IMAGES["PNG RGB"])
    for number, (name, by) in enumerate(found):
        kind = name.split()[0]
        suffix = SUFFIXES.get(kind, f".{kind.lower()}")
        (folder / f"{number}{suffix}").write_bytes(damaged(IMAGES[name], by))
    assert call("folders of damaged images", "data", "check", folder.parents[1]).code in (0, 1)


def test_folders(fresh: Callable[[], Path]) -> None:
    _folder_holds(fresh)
