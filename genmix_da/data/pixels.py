"""One picture out of a file: any mode that an image may have, as upright RGB of eight bits."""

from __future__ import annotations

import io
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from genmix_da.data.grey import GreyRange, alone, is_deep
from genmix_da.errors import UserError

LIMIT = "GENMIX_DA_MAX_PIXELS"
MAX_PIXELS = 300_000_000  # a phone takes 200 million; few bytes can claim to be far more
# Above this JPEGs are reduced while they are decoded, to a side of at least _KEPT pixels.
_LARGE = 89_478_485
_KEPT = 4096
_OPENING = threading.Lock()


def read_image(content: bytes, grey: GreyRange | None = None) -> Image.Image:
    """Decode an image file to upright RGB, transparency on white; of an animation the first frame.

    Args:
        content: bytes of the file.
        grey: of the data set that it belongs to; None: deep grey is taken by itself.

    Raises:
        ValueError: zero bytes, not an image, truncated, more pixels than `max_pixels`, or grey
            that can't be converted without loss.
        UserError: `max_pixels` is not a number.
    """
    if not content:
        raise ValueError("zero bytes")
    limit = max_pixels()
    try:
        with _opened(content) as image:
            if image.width * image.height > limit:
                raise ValueError(f"too many pixels, more than {limit:,}; ${LIMIT} raises that")
            if image.width * image.height > _LARGE:
                image.draft(None, (_KEPT, _KEPT))
            upright = _upright(image)
            if is_deep(image):
                values = np.asarray(upright)
                shades = grey.eight_bits(values) if grey else alone(values)
                return Image.fromarray(shades).convert("RGB")
            if image.mode == "LAB":
                return _of_lab(upright)
            if not upright.has_transparency_data:
                return upright.convert("RGB")
            # What lies under transparent pixels is arbitrary, black more often than not.
            white = Image.new("RGBA", upright.size, "white")
            return Image.alpha_composite(white, upright.convert("RGBA")).convert("RGB")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ValueError("too many pixels") from error
    except UnidentifiedImageError as error:
        raise ValueError(_no_image(content)) from error
    except Exception as error:  # PIL's decoders raise many kinds on damaged files
        raise ValueError(str(error).splitlines()[0] if str(error) else "unreadable") from error


def max_pixels() -> int:
    """The number of pixels that an image may have: $GENMIX_DA_MAX_PIXELS, else 300 million.

    Raises:
        UserError: it is not a number above 0.
    """
    named = os.environ.get(LIMIT)
    if not named:
        return MAX_PIXELS
    try:
        limit = int(float(named))
    except (ValueError, OverflowError):
        limit = 0
    if limit < 1:
        raise UserError(f"{LIMIT} is {named!r}; give a number of pixels, e.g. 1e9.")
    return limit


def _opened(content: bytes) -> Image.Image:
    """PIL's own limit is for the whole process and lower; ours is checked by `read_image`."""
    if content[4:8] == b"ftyp":
        _heif_is_read()
    with _OPENING:
        before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(io.BytesIO(content))
        finally:
            Image.MAX_IMAGE_PIXELS = before


@cache
def _heif_is_read() -> bool:
    try:
        import pillow_heif
    except ImportError:
        return False
    pillow_heif.register_heif_opener()
    return True


def _no_image(content: bytes) -> str:
    """Why PIL knows no format of these bytes."""
    if content[4:8] == b"ftyp" and not _heif_is_read():
        return "HEIC or AVIF, which this Pillow does not read; pip install 'genmix-da[heif]'"
    return "not an image"


def _of_lab(image: Image.Image) -> Image.Image:
    from PIL import ImageCms

    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
    assert converted is not None
    return converted


def _upright(image: Image.Image) -> Image.Image:
    """The picture turned as its EXIF data say; untouched where those are missing or damaged."""
    image.load()
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # PIL's EXIF parser raises many kinds; the pixels are good all the same
        return image
    return image if orientation == 1 else ImageOps.exif_transpose(image)


@contextmanager
def pil_warnings_ignored() -> Iterator[None]:
    """Silence PIL where damaged files are expected; enter it once, outside of threads.

    The filters belong to the whole process: changed by many threads they end in any state.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        # A palette image with transparency converts through alpha; PIL's advice is noise here.
        warnings.filterwarnings("ignore", message="Palette images with Transparency")
        warnings.filterwarnings("ignore", message="Corrupt EXIF data")
        # What it says of damaged TIFF files; they are named where they are read.
        warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
        yield
