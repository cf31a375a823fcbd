"""The Art domain: a painted ground and visible brush strokes on canvas."""

from __future__ import annotations

import colorsys

import numpy as np
from PIL import Image

from .brush import brushed
from .contrast import at_brightness, outstanding_levels
from .palette import Colour, choose, hsv, luminance
from .parts import ObjectSpec
from .pose import place
from .raster import (
    SIZE,
    Plane,
    Raster,
    blurred,
    enlarged,
    grid,
    rasterise,
    smooth_noise,
    to_tile,
)
from .shading import contact_shadow, shaded


def draw_art(spec: ObjectSpec, rng: np.random.Generator) -> Image.Image:
    """One 80 x 80 RGB painting of the object."""
    placed = place(spec, rng)
    raster = rasterise(placed, 2)
    palette = choose("Art", rng)
    lit = shaded(raster, palette, rng.uniform(0.9, 1.25))
    level = float(rng.choice(outstanding_levels(lit, raster.mask)))
    ground = at_brightness(
        _painted_ground(rng, palette["body"], raster.side), 1 - raster.mask, level
    )
    if spec.standing:
        ground *= 1 - 0.4 * contact_shadow(raster, 1.2, 0.8)[..., None]
    # Painters see shadows cold and lights warm.
    warmth = (luminance(lit) - 0.45)[..., None] * np.asarray([0.22, 0.08, -0.3], dtype=np.float32)
    mask = raster.mask[..., None]
    scene = np.clip((lit + warmth) * mask + ground * (1 - mask), 0, 1)
    if level > 0.42 and rng.random() < 0.8:
        # Dark contours, as long as the ground is not dark too.
        contour = _edges(raster)[..., None] * np.float32(rng.uniform(0.45, 0.8))
        ink = hsv(rng.uniform(0.55, 0.8), 0.6, 0.2)
        scene = scene * (1 - contour) + ink * contour
    painted, relief = brushed(scene, raster, rng)
    light = (relief[1:-1, 1:-1] - relief[2:, 2:]) * np.float32(rng.uniform(0.1, 0.22))
    painted[1:-1, 1:-1] += light[..., None]
    return to_tile(painted + _weave(rng, raster.side)[..., None])


def _painted_ground(rng: np.random.Generator, body: Colour, size: int) -> Plane:
    side = SIZE
    # A colour from the other side of the wheel: the object must not sink into its ground.
    hue = colorsys.rgb_to_hsv(*body.tolist())[0] + rng.uniform(0.3, 0.7)
    saturation, value = rng.uniform(0.35, 0.85), rng.uniform(0.5, 0.9)
    first = hsv(hue, saturation, value)
    second = hsv(hue + rng.uniform(0.05, 0.15), saturation, value * rng.uniform(0.75, 1.0))
    third = hsv(hue - rng.uniform(0.05, 0.2), saturation * 0.8, value * rng.uniform(0.7, 1.0))
    blend = smooth_noise(rng, 3, side)[..., None]
    wall = first * blend + second * (1 - blend)
    _, y = grid(side)
    table = np.clip((y - rng.uniform(0.55, 0.8)) * 12, 0, 1)[..., None]
    return enlarged(wall * (1 - table) + third * table, size)


def _edges(raster: Raster) -> Plane:
    labels = raster.labels
    edge = np.zeros(labels.shape, dtype=np.float32)
    edge[1:, :] = labels[1:, :] != labels[:-1, :]
    edge[:, 1:] = np.maximum(edge[:, 1:], labels[:, 1:] != labels[:, :-1])
    soft: Plane = np.clip(blurred(edge, 0.5) * 3.0, 0, 1)
    return soft


def _weave(rng: np.random.Generator, side: int) -> Plane:
    x, y = grid(side)
    threads = np.float32(2 * np.pi * SIZE / rng.uniform(2.4, 3.2))
    depth = np.float32(rng.uniform(0.012, 0.035))
    cloth: Plane = depth * np.sin(threads * x) * np.sin(threads * y)
    return cloth
