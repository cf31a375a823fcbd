"""Every mode that an image may have, and deep grey by the range of its data set."""

from __future__ import annotations

import io
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, UnidentifiedImageError

from genmix_da.data import opening, pixels
from genmix_da.data.decode import decode_domain
from genmix_da.data.folders import folder_domain
from genmix_da.data.grey import GreyRange, usual_range
from genmix_da.data.opening import LIMIT
from genmix_da.data.pixels import read_image
from genmix_da.errors import UserError

RAMP = np.linspace(0, 1, 64 * 64).reshape(64, 64)


def encoded(image: Image.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def seen(image: Image.Image, kind: str) -> np.ndarray:
    read = read_image(encoded(image, kind))
    assert read.mode == "RGB"
    return np.asarray(read).astype(int)


def colours() -> Image.Image:
    steps = np.linspace(0, 255, 16).astype(np.uint8)
    red, green = np.meshgrid(steps, steps)
    return Image.fromarray(np.stack([red, green, np.full_like(red, 90)], axis=2))


@pytest.mark.parametrize(
    ("mode", "kind", "apart"),
    [
        ("1", "PNG", 255),
        ("L", "PNG", 255),
        ("LA", "PNG", 255),
        ("P", "PNG", 60),
        ("RGB", "PNG", 0),
        ("RGBA", "PNG", 0),
        ("CMYK", "TIFF", 3),
        ("YCbCr", "TIFF", 4),
        ("LAB", "TIFF", 6),
        ("HSV", "TIFF", 8),
    ],
)
def test_modes_of_eight_bits(mode: str, kind: str, apart: int) -> None:
    picture = colours()
    if mode == "LAB":
        from PIL import ImageCms

        profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        image = ImageCms.profileToProfile(picture, *profiles, outputMode="LAB")
    else:
        image = picture.convert(mode)
    try:
        found = seen(image, kind)
    except (OSError, KeyError):
        pytest.skip(f"this Pillow writes no {mode} as {kind}")
    assert found.shape == (16, 16, 3)
    if apart < 255:
        # Of nine in ten: what a mode can't hold at all (LAB's dark blues) is further off.
        assert np.percentile(np.abs(found - np.asarray(picture).astype(int)), 90) <= apart
    else:
        assert found.std() > 30


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (RAMP.astype(np.float32), "TIFF"),
        ((RAMP * 255).astype(np.float32), "TIFF"),
        ((RAMP * 65535).astype(np.int32), "TIFF"),
        ((RAMP * 65535).astype(np.uint16), "TIFF"),
        ((RAMP * 65535).astype(np.uint16), "PNG"),
        ((RAMP * 65535).astype(">u2"), "TIFF"),
        ((RAMP * 4095).astype(np.uint16), "TIFF"),
        ((RAMP * 1023).astype(np.uint16), "PNG"),
        ((RAMP * 4000 - 1000).astype(np.int32), "TIFF"),
        ((RAMP * 2 - 1).astype(np.float32), "TIFF"),
    ],
)
def test_deep_grey_is_a_ramp_of_all_levels(values: np.ndarray, kind: str) -> None:
    if values.dtype == ">u2":
        image = Image.frombytes("I;16B", (64, 64), values.tobytes())
    else:
        image = Image.fromarray(values)
    found = seen(image, kind)[:, :, 0]
    assert np.abs(found - np.round(RAMP * 255)).max() <= 1


def test_sixteen_bits_are_their_upper_eight() -> None:
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    assert np.array_equal(seen(Image.fromarray(values), "PNG")[:, :, 0], values >> 8)


def test_values_that_are_no_numbers_are_an_error() -> None:
    values = RAMP.astype(np.float32)
    values[3, 3] = np.nan
    with pytest.raises(ValueError, match="no numbers"):
        read_image(encoded(Image.fromarray(values), "TIFF"))


@pytest.mark.parametrize(
    ("least", "greatest", "whole", "expected"),
    [
        (0, 200, True, (0, 255)),
        (3, 256, True, (0, 1023)),
        (0, 4095, True, (0, 4095)),
        (0, 4096, True, (0, 16383)),
        (-1024, 3071, True, (-1024, 3071)),
        (0.0, 0.4, False, (0, 1)),
        (0.0, 1.5, False, (0, 255)),
        (0.0, 300.0, False, (0, 300)),
        (7, 7, True, (0, 7)),
        (0, 0, False, (0, 1)),
    ],
)
def test_usual_ranges(
    least: float, greatest: float, whole: bool, expected: tuple[float, float]
) -> None:
    assert usual_range(least, greatest, whole=whole) == expected


@pytest.mark.parametrize(("kind", "size"), [("JPEG", (100, 75)), ("PNG", (400, 300))])
def test_large_pictures_are_reduced_while_decoded(
    kind: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = encoded(Image.new("RGB", (400, 300), (9, 99, 199)), kind)
    assert read_image(content).size == (400, 300)
    monkeypatch.setattr(pixels, "LARGE", 100_000)
    monkeypatch.setattr(pixels, "_KEPT", 64)
    found = read_image(content)
    assert found.size == size
    assert np.abs(np.asarray(found).reshape(-1, 3).mean(axis=0) - (9, 99, 199)).max() < 2


def test_what_a_phone_takes_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the limits of PIL, which warns at 89 and refuses at 179 million pixels."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert read_image(encoded(Image.new("RGB", (60, 50)), "JPEG")).size == (60, 50)
    assert Image.MAX_IMAGE_PIXELS == 1000
    monkeypatch.setenv(LIMIT, "1e3")
    with pytest.raises(ValueError, match=r"more than 1,000; \$GENMIX_DA_MAX_PIXELS raises that"):
        read_image(encoded(Image.new("RGB", (60, 50)), "JPEG"))
    monkeypatch.setenv(LIMIT, "1e4")
    assert read_image(encoded(Image.new("RGB", (60, 50)), "JPEG")).size == (60, 50)


@pytest.mark.parametrize("mode", ["RGB", "I;16"])
@pytest.mark.parametrize("kind", ["TIFF", "PNG"])
def test_every_format_has_the_one_limit(
    mode: str, kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """PIL looks at its own limit once more where a TIFF is loaded."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    monkeypatch.setattr(opening, "LARGE", 1000)
    content = encoded(Image.new(mode, (60, 50)), kind)
    (tmp_path / "1.tif").write_bytes(content)
    grey = GreyRange([tmp_path / "1.tif"])
    assert read_image(content, grey).size == (60, 50)
    assert (grey.usual is None) == (mode == "RGB")


@pytest.mark.parametrize("named", ["many", "-1", "0", "nan", "inf"])
def test_limits_that_are_no_numbers(named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LIMIT, named)
    with pytest.raises(UserError, match=f"GENMIX_DA_MAX_PIXELS is '{named}'; give a number"):
        read_image(encoded(Image.new("RGB", (6, 5)), "PNG"))


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
def test_pictures_of_phones(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    heif = pytest.importorskip("pillow_heif")
    heif.register_heif_opener()
    picture = colours().resize((64, 48))
    found = read_image(encoded(picture, kind))
    assert np.abs(np.asarray(found).astype(int) - np.asarray(picture)).mean() < 12


def test_heic_without_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixels, "heif_is_read", lambda: False)
    monkeypatch.setattr(Image, "open", no_format)
    with pytest.raises(ValueError, match=r"HEIC or AVIF.*pip install 'genmix-da\[heif\]'"):
        read_image(b"\0\0\0\x18ftypheic and so on")


def no_format(_: object) -> Image.Image:
    raise UnidentifiedImageError


def test_a_data_set_has_one_range(tmp_path: Path) -> None:
    for name, top in (("dim", 900), ("bright", 4095)):
        (tmp_path / name).mkdir()
        values = (RAMP * top).astype(np.uint16)
        Image.fromarray(values).save(tmp_path / name / "1.tif")
    domain = folder_domain(tmp_path)
    assert domain.grey.usual == (0, 4095)
    found = decode_domain(domain, 64, "bilinear").pixels
    bright, dim = found[0].max(), found[1].max()
    assert (bright, dim) == (255, 900 * 256 // 4096)
    # A part has the range of the whole.
    assert domain.part([1]).grey.usual == (0, 4095)
    assert pickle.loads(pickle.dumps(domain)).grey.usual == (0, 4095)


def test_a_range_is_of_readable_images_alone(tmp_path: Path) -> None:
    (tmp_path / "cut.tif").write_bytes(b"II*\x00 no more")
    Image.fromarray((RAMP * 1000).astype(np.uint16)).save(tmp_path / "whole.tif")
    Image.new("RGB", (4, 4)).save(tmp_path / "colour.png")
    assert GreyRange(sorted(tmp_path.iterdir())).usual == (0, 1023)
