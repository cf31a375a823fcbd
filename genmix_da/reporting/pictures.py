"""Pictures on a page that loads nothing: as data URIs."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def data_uri(pixels: Any, quality: int = 82) -> str:
    """RGB pixels [H, W, 3] as a JPEG data URI."""
    from genmix_da.augment.cache import encode_jpeg

    return "data:image/jpeg;base64," + base64.b64encode(encode_jpeg(pixels, quality)).decode()


def shown_pictures(parts: Mapping[str, NDArray[np.uint8] | None]) -> list[tuple[str, str]]:
    """(name, data URI) of the pictures that are there, in their order."""
    return [(name, data_uri(pixels)) for name, pixels in parts.items() if pixels is not None]
