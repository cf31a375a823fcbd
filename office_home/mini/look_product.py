"""The Product domain: studio light, soft shadow, white ground."""

from __future__ import annotations

import numpy as np
from PIL import Image

from .palette import choose
from .parts import ObjectSpec
from .pose import place
from .raster import rasterise, to_tile
from .shading import cast_shadow, contact_shadow, shaded


def draw_product(spec: ObjectSpec, rng: np.random.Generator) -> Image.Image:
    """One 80 x 80 RGB catalogue picture of the object."""
    placed = place(spec, rng)
    raster = rasterise(placed, 2)
    lit = shaded(raster, choose("Product", rng), rng.uniform(0.85, 1.1))
    if spec.standing:
        shadow = contact_shadow(raster, rng.uniform(0.9, 1.15), 0.7)
    else:
        dx, dy = rng.uniform(0.8, 2.2, 2)
        shadow = cast_shadow(raster, dx, dy, rng.uniform(1.2, 2.2))
    depth = rng.uniform(0.22, 0.42)
    ground = 1 - depth * shadow[..., None] * np.asarray([1.0, 0.98, 0.95], dtype=np.float32)
    return to_tile(lit + ground * (1 - raster.mask[..., None]))
