"""The Clipart domain: flat fills, thick dark outlines, a plain ground."""

from __future__ import annotations

import numpy as np
from PIL import Image

from .palette import choose, hsv, luminance
from .parts import ObjectSpec
from .pose import place
from .raster import grid, rasterise, to_tile


def draw_clipart(spec: ObjectSpec, rng: np.random.Generator) -> Image.Image:
    """One 80 x 80 RGB drawing of the object as clip art."""
    placed = place(spec, rng)
    palette = choose("Clipart", rng)
    palette["outline"] = hsv(rng.random(), rng.uniform(0, 0.5), rng.uniform(0.05, 0.2))
    raster = rasterise(placed, 3, outline=rng.uniform(1.3, 2.1))
    if rng.random() < 0.12:
        # A line drawing to be coloured in: everything white except what is drawn in ink.
        palette = {
            role: np.ones(3, dtype=np.float32) if luminance(colour) > 0.25 else colour
            for role, colour in palette.items()
        }
    paper = np.ones(3, dtype=np.float32)
    ground = rng.random()
    if ground < 0.2:
        paper = hsv(rng.random(), rng.uniform(0.08, 0.3), 1.0)
    canvas = raster.flat_colours(palette, paper)
    if ground > 0.85:
        x, y = grid(raster.side)
        disc = ((x - 0.5) ** 2 + (y - 0.5) ** 2 < 0.47**2) & (raster.labels == 0)
        canvas[disc] = hsv(rng.random(), rng.uniform(0.2, 0.4), 1.0)
    elif rng.random() < 0.2:
        # A sticker: a plain shadow, hard-edged, beside the object.
        step = round(1.6 * raster.scale)
        under = np.zeros_like(raster.labels)
        under[step:, step:] = raster.labels[:-step, :-step]
        canvas[(under > 0) & (raster.labels == 0)] *= np.float32(0.78)
    return to_tile(canvas)
