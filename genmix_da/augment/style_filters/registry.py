"""The published style phrases and the filter that stands in for each."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .drawn import chalk_drawing, crayon_sketch
from .graffiti import graffiti
from .inked import cartoon_style, retro_comic, ukiyo_e
from .light import aurora, rainbow, sunset
from .mosaic import mosaic
from .painted import digital_art, watercolor_art, watercolor_painting
from .primitives import to_float, to_uint8, unit
from .seasons import autumn, snowy

# From an RGB image, float32 [H, W, 3] in [0, 1], a source of randomness and the length of one
# drawing unit in pixels to the styled image, float [H, W, 3], which may leave [0, 1].
StyleFilter = Callable[[np.ndarray, np.random.Generator, float], np.ndarray]

SMALLEST_SIDE = 16

STYLE_FILTERS: dict[str, StyleFilter] = {
    "graffiti": graffiti,
    "retro comic": retro_comic,
    "chalk drawing": chalk_drawing,
    "watercolor painting": watercolor_painting,
    "digital art": digital_art,
    "cartoon style": cartoon_style,
    "autumn": autumn,
    "snowy": snowy,
    "sunset": sunset,
    "watercolor art": watercolor_art,
    "rainbow": rainbow,
    "aurora": aurora,
    "mosaic": mosaic,
    "ukiyo-e": ukiyo_e,
    "a sketch with crayon": crayon_sketch,
}


def apply_style(image: np.ndarray, phrase: str, seed: int) -> np.ndarray:
    """Renders an image in the style a phrase names.

    Args:
        image: RGB image, uint8 [H, W, 3], both sides at least 16 pixels.
        phrase: One of the keys of `STYLE_FILTERS`, exactly as published.
        seed: Non-negative seed; the result depends only on the three arguments.

    Returns:
        A new RGB image, uint8 [H, W, 3].

    Raises:
        ValueError: If the phrase is unknown, or the image has another type or shape.
    """
    if phrase not in STYLE_FILTERS:
        known = ", ".join(repr(name) for name in STYLE_FILTERS)
        raise ValueError(f"Unknown style phrase {phrase!r}; the known phrases are {known}.")
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(
            f"The image must be uint8 RGB [H, W, 3], not {image.dtype} {list(image.shape)}."
        )
    if min(image.shape[:2]) < SMALLEST_SIDE:
        raise ValueError(
            f"Both image sides must be at least {SMALLEST_SIDE} pixels, not {list(image.shape)}."
        )
    rng = np.random.default_rng(seed)
    return to_uint8(STYLE_FILTERS[phrase](to_float(image), rng, unit(image.shape)))
