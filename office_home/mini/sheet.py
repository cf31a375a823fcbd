"""One picture of the whole mini benchmark, for looking at."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from .catalogue import MINI_CLASSES, MINI_DOMAINS
from .generate import draw
from .raster import SIZE

_MARGIN = 96
_HEADER = 18
_GAP = 2


def contact_sheet(path: Path, per_class: int = 2) -> Path:
    """Writes a PNG with a row per class and `per_class` columns per domain.

    Args:
        path: The file to write; it appears complete or not at all.
        per_class: Images per class and domain, at least 1.

    Returns:
        `path` as an absolute path.

    Raises:
        ValueError: If `per_class` is less than 1.
    """
    if per_class < 1:
        raise ValueError(f"A sheet needs at least 1 image per class, not {per_class}.")
    step = SIZE + _GAP
    band = step * per_class + 3 * _GAP
    size = (_MARGIN + band * len(MINI_DOMAINS), _HEADER + step * len(MINI_CLASSES))
    sheet = Image.new("RGB", size, (225, 225, 225))
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default()
    for column, domain in enumerate(MINI_DOMAINS):
        pen.text((_MARGIN + band * column + 2, 3), domain, fill=(0, 0, 0), font=font)
    for row, name in enumerate(MINI_CLASSES):
        top = _HEADER + step * row
        pen.text((6, top + SIZE // 2 - 6), name, fill=(0, 0, 0), font=font)
        for column, domain in enumerate(MINI_DOMAINS):
            for index in range(per_class):
                left = _MARGIN + band * column + step * index
                sheet.paste(draw(domain, name, index), (left, top))
    path = Path(path).absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, unfinished = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    scratch = Path(unfinished)
    try:
        with os.fdopen(handle, "wb") as file:
            sheet.save(file, "PNG")
        scratch.chmod(0o644)
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
    return path
