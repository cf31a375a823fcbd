"""Pictures in the published styles, for editors that take a style from a picture.

Drawn here: an object of Mini Office-Home under the filter of the style. They hold colours, strokes
and textures, and nothing of anybody's data.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from genmix_da.augment.style_filters import apply_style
from lead.seeds import derive
from office_home.mini import MINI_CLASSES, draw

VERSION = 1
COUNT = 4  # of each style
_SIDE = 256


@lru_cache(maxsize=64)
def drawn_picture(phrase: str, number: int) -> NDArray[np.uint8]:
    """A picture [256, 256, 3] in a style; the same arguments always give the same pixels.

    Args:
        phrase: a key of STYLE_FILTERS.
        number: 0 to COUNT - 1.
    """
    draws = np.random.default_rng(derive(0, "style picture", phrase, number))
    scene = draw("Real World", str(draws.choice(MINI_CLASSES)), int(draws.integers(10_000)))
    large = scene.resize((_SIDE, _SIDE), Image.Resampling.BICUBIC)
    return apply_style(np.asarray(large), phrase, number)
