"""One picture out of a file: any mode that an image may have, as upright RGB of eight bits."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from genmix_da.data.grey import GreyRange, alone, is_deep, is_inverted, is_unsigned, values_of
from genmix_da.data.opening import LARGE, heif_is_read, load, max_pixels, opened

_KEPT = 4096  # JPEGs above LARGE are reduced while they are decoded, to no smaller side


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
    if content[4:8] == b"ftyp":
        heif_is_read()
    max_pixels()  # a user's mistake is no fault of the image
    try:
        with opened(io.BytesIO(content)) as image:
            if image.width * image.height > LARGE:
                image.draft(None, (_KEPT, _KEPT))
            unsigned, inverted = is_unsigned(image), is_inverted(image)
            upright = _upright(image)
            if is_deep(image):
                values = values_of(upright, unsigned=unsigned)
                shades = grey.eight_bits(values) if grey else alone(values)
                return Image.fromarray(255 - shades if inverted else shades).convert("RGB")
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


def _no_image(content: bytes) -> str:
    """Why PIL knows no format of these bytes."""
    if content[4:8] == b"ftyp" and not heif_is_read():
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
    load(image)
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
