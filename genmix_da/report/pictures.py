"""Pictures on a page that loads nothing: as data URIs."""

from __future__ import annotations

import base64
from typing import Any


def data_uri(pixels: Any, quality: int = 82) -> str:
    """RGB pixels [H, W, 3] as a JPEG data URI."""
    from genmix_da.augment.cache import encode_jpeg

    return "data:image/jpeg;base64," + base64.b64encode(encode_jpeg(pixels, quality)).decode()
