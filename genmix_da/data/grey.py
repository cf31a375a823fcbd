"""Grey of more than eight bits: what is black and what is white.

One range for a whole data set. A picture alone would be stretched by its own values, and no two
alike; PIL clips.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from genmix_da.config_values import AUTO, FULL, check_grey_range
from genmix_da.data.opening import load, opened

# How files begin that may hold deep grey, whatever they are called: PNG, TIFF, PGM, JPEG 2000.
_BEGINNINGS = (
    *(b"\x89PNG", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"P2", b"P5", b"Pf"),
    *(b"\0\0\0\x0cjP", b"\xff\x4f\xff\x51"),
)
_BITS_PER_SAMPLE, _PHOTOMETRIC, _SAMPLE_FORMAT = 258, 262, 339  # tags of TIFF
_BITS = (8, 10, 12, 14, 16, 24, 32)
_SIXTEEN = (0.0, 2.0**16 - 1)

Limits = tuple[float, float]
Values = NDArray[np.generic]

logger = logging.getLogger(__name__)


class GreyRange:
    """What is black and white in the deep grey images of a data set.

    Args:
        images: all of the data set; looked at when the first deep one is read.
        choice: "auto": the least range that values of this kind usually have and that holds all of
            them, else their own; "full": all that a number of this kind can be; "MIN,MAX": what
            lies below is black and what lies above is white.

    Raises:
        UserError: another choice.
    """

    def __init__(self, images: Sequence[Path], choice: str = AUTO) -> None:
        self.images = images
        self.choice = choice
        self._given = check_grey_range(choice)
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {"images": self.images, "choice": self.choice}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def eight_bits(self, values: Values) -> NDArray[np.uint8]:
        """Deep grey [H, W] as bytes.

        Raises:
            ValueError: values that are no numbers, or that "full" does not hold.
        """
        return scaled(values, self._limits(values))

    def mark(self, images: Iterable[Path]) -> str:
        """What the range adds to the identity of images.

        Nothing for images of eight bits, and for all sixteen bits: as in versions that had no
        choice.
        """
        modes = {mode for path in images if (mode := deep_mode(path)) is not None}
        if not modes:
            return ""
        if self._given is None and self.choice == FULL:
            return "" if all(mode.startswith("I;16") for mode in modes) else "grey full"
        limits = self._given or self.usual or _SIXTEEN
        usual = limits == _SIXTEEN and "F" not in modes
        return "" if usual else f"grey {limits[0]:.9g} to {limits[1]:.9g}"

    def _limits(self, values: Values) -> Limits:
        if self._given is not None:
            return self._given
        if self.choice == FULL:
            return full_range(values)
        return self.usual or own_range(values)  # of an image that is none of the data set's

    @property
    def usual(self) -> Limits | None:
        """(black, white) of "auto"; None where no image is deep."""
        with self._lock:
            return self._found

    @cached_property
    def _found(self) -> Limits | None:
        least, greatest, whole, count = np.inf, -np.inf, True, 0
        for path in self.images:
            values = deep_values(path)
            if values is not None and values.size and np.isfinite(values).all():
                least, greatest = min(least, values.min()), max(greatest, values.max())
                whole = whole and values.dtype.kind != "f"
                count += 1
        if not count:
            return None
        limits = usual_range(float(least), float(greatest), whole=whole)
        logger.info(
            "%d images of deep grey: %.9g is black and %.9g is white (--grey-range)", count, *limits
        )
        return limits


def alone(values: Values) -> NDArray[np.uint8]:
    """Deep grey of an image that belongs to no data set, by its own values."""
    return scaled(values, own_range(values))


def own_range(values: Values) -> Limits:
    """The usual range that holds the values of one image."""
    own = (float(values.min()), float(values.max()))
    return usual_range(*own, whole=values.dtype.kind != "f")


def full_range(values: Values) -> Limits:
    """All that numbers of this kind can be: 16 or 32 bits, or 0 to 1.

    Raises:
        ValueError: the values are outside.
    """
    top = 1.0 if values.dtype.kind == "f" else 2.0 ** (8 * values.dtype.itemsize) - 1
    least, greatest = float(values.min()), float(values.max())
    if not 0 <= least <= greatest <= top:
        raise ValueError(
            f"grey of {least:g} to {greatest:g}, outside of 0 to {top:g}; use --grey-range auto or "
            "MIN,MAX"
        )
    return 0.0, top


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


def deep_values(path: Path) -> Values | None:
    """The values of a deep grey image; None of any other file."""
    try:
        with _may_be_deep(path) as image:
            if image is None or not is_deep(image):
                return None
            unsigned = is_unsigned(image)
            load(image)
            return values_of(image, unsigned=unsigned)
    except Exception:  # it is named when it is read
        return None


def deep_mode(path: Path) -> str | None:
    """PIL's mode of a deep grey image; None of any other file. Reads no more than its header."""
    try:
        with _may_be_deep(path) as image:
            return image.mode if image is not None and is_deep(image) else None
    except Exception:  # it is named when it is read
        return None


@contextmanager
def _may_be_deep(path: Path) -> Iterator[Image.Image | None]:
    with path.open("rb") as file:
        beginning = file.read(12)
        file.seek(0)
        if not beginning.startswith(_BEGINNINGS):
            yield None
            return
        with opened(file) as image:
            yield image


def is_unsigned(image: Image.Image) -> bool:
    """Whether 32 bits without a sign are meant, which PIL reads as if they had one (TIFF)."""
    tags = getattr(image, "tag_v2", None)
    if tags is None or image.mode != "I":
        return False
    return bool(tags.get(_BITS_PER_SAMPLE) == (32,) and tags.get(_SAMPLE_FORMAT, (1,)) == (1,))


def is_inverted(image: Image.Image) -> bool:
    """Whether 0 is white, which PIL heeds in grey of eight bits alone (TIFF)."""
    tags = getattr(image, "tag_v2", None)
    return tags is not None and tags.get(_PHOTOMETRIC) == 0


def values_of(image: Image.Image, *, unsigned: bool) -> Values:
    """The values of a deep grey image [H, W].

    Args:
        image: loaded.
        unsigned: see `is_unsigned`, of the image as it was opened.
    """
    values = np.asarray(image)
    return values.view(np.uint32) if unsigned else values


def is_deep(image: Image.Image) -> bool:
    """Whether PIL holds more than eight bits of grey; it clips them where it converts."""
    return image.mode.startswith("I") or image.mode == "F"


def scaled(values: Values, limits: Limits) -> NDArray[np.uint8]:
    """Values [H, W] as bytes: of 16 bits the upper eight, and so on; white is 255.

    Raises:
        ValueError: values that are no numbers.
    """
    black, white = limits
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise ValueError("values that are no numbers")
    if values.dtype.kind == "f" or white - black < 255:
        shades = np.round((values.astype(np.float64) - black) / (white - black) * 255)
    else:
        shades = np.floor((values.astype(np.float64) - black) * 256 / (white - black + 1))
    return np.asarray(shades.clip(0, 255), dtype=np.uint8)
