"""One picture out of a file: any mode that an image may have, as upright RGB of eight bits.

Grey of more than eight bits is scaled by one range for a whole data set: the least usual one that
holds all its values. A picture alone would be stretched by its own values, and no two alike.
"""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

_DEEP_SUFFIXES = frozenset({".tif", ".tiff", ".png", ".pgm", ".jp2"})
_BITS = (8, 10, 12, 14, 16, 24, 32)

Limits = tuple[float, float]


class GreyRange:
    """What is black and white in the deep grey images of a data set.

    Args:
        images: all of the data set; looked at when the first deep one is read.
    """

    def __init__(self, images: Sequence[Path]) -> None:
        self._images = images
        self._lock = threading.Lock()

    def __getstate__(self) -> Sequence[Path]:
        return self._images

    def __setstate__(self, images: Sequence[Path]) -> None:
        self.__init__(images)  # type: ignore[misc]

    @property
    def limits(self) -> Limits:
        """(black, white)."""
        with self._lock:
            return self._found

    @cached_property
    def _found(self) -> Limits:
        least, greatest, whole = np.inf, -np.inf, True
        for path in self._images:
            values = _deep_values(path)
            if values is not None and values.size and np.isfinite(values).all():
                least, greatest = min(least, values.min()), max(greatest, values.max())
                whole = whole and values.dtype.kind != "f"
        return usual_range(float(least), float(greatest), whole=whole)


def usual_range(least: float, greatest: float, *, whole: bool) -> Limits:
    """The least range that values of this kind usually have, or their own.

    Args:
        least, greatest: values there are.
        whole: whole numbers: 8, 10, 12, 14, 16, 24 or 32 bits; else 0 to 1, or 0 to 255.
    """
    if not least < greatest:
        return (0.0, max(greatest, 1.0)) if least >= 0 else (least, least + 1.0)
    tops = [2.0**bits - 1 for bits in _BITS] if whole else [1.0, 255.0]
    top = next((top for top in tops if greatest <= top), None)
    return (0.0, top) if least >= 0 and top is not None else (least, greatest)


def _deep_values(path: Path) -> NDArray[np.generic] | None:
    """The values of a deep grey image; None of any other file."""
    if path.suffix.lower() not in _DEEP_SUFFIXES:
        return None
    try:
        with Image.open(path) as image:
            return np.asarray(image) if _is_deep(image) else None
    except Exception:  # it is named when it is read
        return None


def _is_deep(image: Image.Image) -> bool:
    """Whether PIL holds more than eight bits of grey; it clips them where it converts."""
    return image.mode.startswith("I") or image.mode == "F"


def _eight_bits(values: NDArray[np.generic], limits: Limits) -> NDArray[np.uint8]:
    black, white = limits
    if values.dtype.kind == "f":
        if not np.isfinite(values).all():
            raise ValueError("values that are no numbers")
        scaled = np.round((values.astype(np.float64) - black) / (white - black) * 255)
    else:  # of 16 bits the upper eight, and so on
        scaled = np.floor((values.astype(np.float64) - black) * 256 / (white - black + 1))
    return np.asarray(scaled.clip(0, 255), dtype=np.uint8)


def read_image(content: bytes, grey: GreyRange | None = None) -> Image.Image:
    """Decode an image file to upright RGB, transparency on white; of an animation the first frame.

    Args:
        content: bytes of the file.
        grey: of the data set that it belongs to; None: deep grey is taken by itself.

    Raises:
        ValueError: zero bytes, not an image, truncated, or larger than PIL's bomb limit.
    """
    if not content:
        raise ValueError("zero bytes")
    try:
        with Image.open(io.BytesIO(content)) as image:
            limit = Image.MAX_IMAGE_PIXELS
            if limit is not None and image.width * image.height > limit:
                raise ValueError("too many pixels")
            upright = _upright(image)
            if _is_deep(image):
                values = np.asarray(upright)
                whole = values.dtype.kind != "f"
                own = (float(values.min()), float(values.max()))
                limits = grey.limits if grey else usual_range(*own, whole=whole)
                return Image.fromarray(_eight_bits(values, limits)).convert("RGB")
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
        raise ValueError("not an image") from error
    except Exception as error:  # PIL's decoders raise many kinds on damaged files
        raise ValueError(str(error).splitlines()[0] if str(error) else "unreadable") from error


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
