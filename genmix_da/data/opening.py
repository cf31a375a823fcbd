"""Opening pictures of any size that is allowed; PIL's own limit is lower, and of the process."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from genmix_da.errors import UserError

LIMIT = "GENMIX_DA_MAX_PIXELS"
MAX_PIXELS = 300_000_000  # a phone takes 200 million; few bytes can claim to be far more
LARGE = 89_478_485  # PIL warns above, and refuses above the double
_CHANGING = threading.RLock()


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


def opened(source: Path | BinaryIO) -> Image.Image:
    """A picture whose header was read.

    Raises:
        ValueError: it has more pixels than `max_pixels`.
        Exception: what PIL raises for damaged files, of many kinds.
    """
    limit = max_pixels()
    with _without_limit():
        image = Image.open(source)
    if image.width * image.height > limit:
        image.close()
        raise ValueError(f"too many pixels, more than {limit:,}; ${LIMIT} raises that")
    return image


def load(image: Image.Image) -> None:
    """Decode the pixels; large pictures one after the other."""
    if image.width * image.height <= LARGE:
        image.load()
        return
    with _without_limit():
        image.load()


@contextmanager
def _without_limit() -> Iterator[None]:
    with _CHANGING:
        before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


@cache
def heif_is_read() -> bool:
    """Whether HEIC can be read; asking makes it so where the library is there."""
    try:
        import pillow_heif
    except ImportError:
        return False
    pillow_heif.register_heif_opener()
    return True
