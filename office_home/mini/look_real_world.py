"""The Real World domain: a snapshot in a cluttered room, with an ordinary camera."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

from .clutter import room
from .contrast import at_brightness, outstanding_levels
from .palette import choose, luminance
from .parts import ObjectSpec
from .pose import place
from .raster import (
    SIZE,
    Plane,
    grid,
    rasterise,
    smooth_noise,
    to_bytes,
    to_tile,
)
from .shading import cast_shadow, contact_shadow, shaded


def draw_real_world(spec: ObjectSpec, rng: np.random.Generator) -> Image.Image:
    """One 80 x 80 RGB snapshot of the object."""
    placed = place(spec, rng)
    raster = rasterise(placed, 2)
    lit = shaded(raster, choose("Real World", rng), rng.uniform(0.7, 1.05))
    mask = raster.mask
    floor = placed.extent[3] - rng.uniform(0.06, 0.25) if spec.standing else None
    ground = _set_apart(room(rng, floor, raster.side), lit, mask)
    if spec.standing:
        dark = contact_shadow(raster, rng.uniform(1.1, 1.4), 0.9)
        dark = np.maximum(dark, 0.6 * cast_shadow(raster, rng.uniform(-5, 5), 1.5, 3.0))
    else:
        dx, dy = rng.uniform(-3.5, 3.5, 2)
        dark = cast_shadow(raster, dx, dy, rng.uniform(1.0, 2.5))
    ground *= 1 - np.float32(rng.uniform(0.35, 0.6)) * dark[..., None]
    scene = np.where(mask[..., None] > 0, lit, ground)
    return _photographed(scene * _room_light(rng, raster.side)[..., None], rng)


def _set_apart(ground: Plane, lit: Plane, mask: Plane) -> Plane:
    """Changes the exposure of the room as little as lets the object stand out from it."""
    now = float((luminance(ground) * mask).sum() / float(mask.sum()))
    levels = outstanding_levels(lit, mask)
    return at_brightness(ground, mask, float(levels[np.argmin(np.abs(levels - now))]))


def _room_light(rng: np.random.Generator, side: int) -> Plane:
    x, y = grid(side)
    angle = rng.uniform(0, 2 * np.pi)
    slope = np.float32(rng.uniform(0.15, 0.6))
    ramp = np.float32(np.cos(angle)) * (x - 0.5) + np.float32(np.sin(angle)) * (y - 0.5)
    light = 1 + slope * ramp + 0.25 * (smooth_noise(rng, 2, side) - 0.5)
    if rng.random() < 0.3:
        # A patch of sun through a window.
        lean = rng.uniform(-0.8, 0.8)
        across = x + np.float32(lean) * y - np.float32(rng.uniform(0.1, 0.7) + lean / 2)
        width = np.float32(rng.uniform(0.12, 0.3))
        light += np.float32(0.28) * np.clip((width - np.abs(across)) * 20, 0, 1)
    light *= 1 - np.float32(rng.uniform(0.1, 0.5)) * ((x - 0.5) ** 2 + (y - 0.5) ** 2)
    return light.astype(np.float32)


def _photographed(scene: Plane, rng: np.random.Generator) -> Image.Image:
    cast = np.asarray([1.0, 1.0, 1.0]) + rng.uniform(-0.1, 0.1) * np.asarray([1.0, 0.2, -1.0])
    exposed = scene * (cast * rng.uniform(0.88, 1.08)).astype(np.float32)
    soft = to_tile(exposed).filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 0.7)))
    tile = np.asarray(soft, dtype=np.float32) / 255
    noise = rng.normal(0, rng.uniform(0.006, 0.022), (SIZE, SIZE, 3))
    grain = rng.normal(0, 0.01, (SIZE, SIZE, 1))
    return Image.fromarray(to_bytes(tile + (noise + grain).astype(np.float32)))
