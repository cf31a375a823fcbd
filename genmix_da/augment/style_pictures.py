"""Pictures in the published styles, for editors that take a style from a picture.

Drawn here: a sheet of Mini Office-Home's objects under the filter of the style. They hold colours,
strokes and textures, and nothing of anybody's data.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from genmix_da.augment.style_filters import apply_style
from lead.seeds import derive
from office_home.mini import MINI_CLASSES, draw

VERSION = 1
COUNT = 4  # of each style
_SIDE = 3  # objects along each side


@lru_cache(maxsize=64)
def drawn_picture(phrase: str, number: int) -> NDArray[np.uint8]:
    """A picture [240, 240, 3] in a style; the same arguments always give the same pixels.

    Args:
        phrase: a key of STYLE_FILTERS.
        number: 0 to COUNT - 1.
    """
    draws = np.random.default_rng(derive(0, "style picture", phrase, number))
    objects = [
        np.asarray(draw("Real World", str(name), int(draws.integers(10_000))))
        for name in draws.choice(MINI_CLASSES, _SIDE**2, replace=False)
    ]
    rows = [np.concatenate(objects[start : start + _SIDE], 1) for start in range(0, 9, _SIDE)]
    return apply_style(np.concatenate(rows), phrase, number)
