"""Pictures that come over the network: what is taken, and why the rest is not."""

from __future__ import annotations

import io
import threading
from dataclasses import dataclass

from PIL import Image

from genmix_da.data.opening import opened
from genmix_da.data.pixels import read_image
from genmix_da.errors import UserError

# A picture of the largest size takes hundreds of MB while it is decoded.
_DECODING = threading.BoundedSemaphore(2)
_FORM = 64 * 1024  # bytes that the parts of a form may have besides their files


@dataclass(frozen=True)
class Limits:
    """What a request may bring.

    Attributes:
        images: pictures a request.
        megabytes: a picture, 10^6 bytes.
        megapixels: a picture, 10^6 pixels.

    Raises:
        UserError: one is not above 0.
    """

    images: int = 16
    megabytes: float = 25.0
    megapixels: float = 100.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0 < value < float("inf"):
                raise UserError(f"--max-{name} is {value}; give a number above 0.")

    @property
    def image_bytes(self) -> int:
        """Of one picture."""
        return int(self.megabytes * 1e6)

    @property
    def request_bytes(self) -> int:
        """Of one request, with what the form itself needs."""
        return self.images * self.image_bytes + _FORM


class RefusedError(Exception):
    """A picture that can't be used.

    Attributes:
        status: of HTTP, 4xx.
        reason: one sentence for whoever sent it.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def read_upload(content: bytes, limits: Limits) -> Image.Image:
    """Decode a picture as files are read: upright RGB.

    Raises:
        RefusedError: too large (413), or no picture that can be read (415, 422).
    """
    if not content:
        raise RefusedError(422, "the file is empty")
    if len(content) > limits.image_bytes:
        raise too_heavy(limits)
    try:
        with opened(io.BytesIO(content)) as image:
            pixels = image.width * image.height
    except Image.DecompressionBombError:
        raise _too_large(limits) from None
    except Exception as error:  # PIL raises many kinds, also for what is no picture at all
        pixels = 0
        if "too many pixels" in str(error):
            raise _too_large(limits) from error
    if pixels > limits.megapixels * 1e6:
        raise _too_large(limits)
    try:
        with _DECODING:
            return read_image(content)
    except ValueError as error:
        status = 415 if str(error).startswith(("not an image", "HEIC")) else 422
        raise RefusedError(status, f"this can't be read as a picture: {error}") from error


def too_heavy(limits: Limits) -> RefusedError:
    """A picture of more bytes than are taken."""
    return RefusedError(413, f"a picture may have {limits.megabytes:g} MB, this has more")


def _too_large(limits: Limits) -> RefusedError:
    return RefusedError(413, f"a picture may have {limits.megapixels:g} megapixels, this has more")
