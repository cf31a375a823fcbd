"""The `mosaic` style: glazed tesserae set along the contours, with grout between."""

from __future__ import annotations

import numpy as np

from .colour import even_light, hue_colour, saturate, stretch_contrast
from .edges import gradients, ink_lines
from .primitives import (
    blur,
    coordinates,
    glow,
    luma,
    mix,
    shade,
    smoothstep,
)
from .textures import value_noise

_TILE_UNITS = 6.6
_SMALLEST_TILE = 3.6


def mosaic(image: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Square tesserae turned along the image contours, each of one colour, with grout.

    Drawn: the tile positions, colour jitter and grout.
    """
    source = stretch_contrast(image, 0.9)
    source = saturate(even_light(source, 30 * scale, 0.25), 1.8)
    # Contours are inked first, so that thin parts survive the averaging over a tile.
    drawn = mix(source, (0.05, 0.05, 0.08), 0.8 * ink_lines(source, 1.5 * scale, 0.02, 25.0))
    size = max(_TILE_UNITS * scale, _SMALLEST_TILE)
    labels, gap, slant = _tessellate(rng, luma(source), size, scale)

    count = int(labels.max()) + 1
    flat_labels = labels.ravel()
    area = np.maximum(np.bincount(flat_labels, minlength=count), 1)
    means = np.stack(
        [np.bincount(flat_labels, drawn[..., c].ravel(), count) / area for c in range(3)], axis=1
    )
    jitter = rng.normal(0.0, 0.035, (count, 1)) + rng.normal(0.0, 0.03, (count, 3))
    steps = np.round((means + jitter) * 9) / 9
    glaze = np.clip(0.4 * (means + jitter) + 0.6 * steps, 0.04, 0.97).astype(np.float32)
    # Stone is never plain white: bright grey tiles take one of a few pale tints.
    base_hue = rng.choice([30.0, 85.0, 165.0, 195.0])
    tints = np.array([hue_colour(base_hue + step, 0.22) for step in (0, 15, 30, 45)], np.float32)
    picked = tints[rng.integers(len(tints), size=count)]
    pale = smoothstep(glaze.min(axis=1), 0.55, 0.85)[:, None]
    tiles = (glaze * (1.0 - pale + pale * picked))[labels]

    # Each tile lies at its own angle and mirrors the light a little differently.
    shine = rng.normal(0.0, 0.07, count).astype(np.float32)[labels]
    tiles = shade(tiles, 1.0 + shine + 0.16 * slant) + 0.04
    warm = rng.uniform(-0.05, 0.05)
    tone = rng.uniform(0.75, 1.1)
    grout = (tone * (0.40 + warm), tone * 0.38, tone * (0.35 - warm))
    sand = 0.88 + 0.2 * value_noise(rng, image.shape, 1.5 * scale)
    # Share of the tile size given to the joint; on tiny tiles it must stay visible.
    joint = 1.0 - smoothstep(gap, 0.0, 1.15 / size)
    return mix(tiles, glow(sand, grout), joint)


def _tessellate(
    rng: np.random.Generator, grey: np.ndarray, size: float, scale: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Splits the plane into squarish cells aligned with the local contour direction.

    Cells are the nearest-seed regions of a jittered grid under a rotated Chebyshev distance.

    Args:
        rng: Source of randomness.
        grey: Brightness, [H, W].
        size: Tile size in pixels.
        scale: Pixels per unit.

    Returns:
        Tile index [H, W] (intp), distance to the next tile as a share of the tile size
        [H, W], and a tilt in [-1, 1] across each tile [H, W] that models its bevel.
    """
    height, width = grey.shape
    rows, columns = coordinates(grey.shape)
    grid_rows, grid_columns = int(height / size) + 3, int(width / size) + 3
    cell_y, cell_x = np.meshgrid(np.arange(grid_rows), np.arange(grid_columns), indexing="ij")
    seed_y = (cell_y - 0.5 + rng.uniform(-0.17, 0.17, cell_y.shape)) * size
    seed_x = (cell_x - 0.5 + rng.uniform(-0.17, 0.17, cell_x.shape)) * size

    along_x, along_y = gradients(blur(grey, 2.0 * scale))
    # Doubled angles let opposite gradients on both sides of a line agree before smoothing.
    real = blur(along_x * along_x - along_y * along_y, 5.0 * scale)
    imaginary = blur(2.0 * along_x * along_y, 5.0 * scale)
    at_y = np.clip(seed_y, 0, height - 1).astype(np.intp)
    at_x = np.clip(seed_x, 0, width - 1).astype(np.intp)
    angle = 0.5 * np.arctan2(imaginary[at_y, at_x], real[at_y, at_x])
    strength = np.hypot(imaginary[at_y, at_x], real[at_y, at_x])
    angle = np.where(strength > 1e-6, angle, 0.0) + rng.normal(0.0, 0.06, angle.shape)
    seeds = np.stack([seed_x, seed_y, np.cos(angle), np.sin(angle)], axis=-1).astype(np.float32)

    base_y = np.floor(rows / size).astype(np.intp) + 1
    base_x = np.floor(columns / size).astype(np.intp) + 1
    best = np.full(grey.shape, np.inf, np.float32)
    second = best.copy()
    labels = np.zeros(grey.shape, np.intp)
    tilt = np.zeros(grey.shape, np.float32)
    for step_y in (-1, 0, 1):
        for step_x in (-1, 0, 1):
            index_y = np.clip(base_y + step_y, 0, grid_rows - 1)
            index_x = np.clip(base_x + step_x, 0, grid_columns - 1)
            index = index_y * grid_columns + index_x
            x, y, cos, sin = np.moveaxis(seeds.reshape(-1, 4)[index], -1, 0)
            offset_x, offset_y = columns - x, rows - y
            turned_x = cos * offset_x + sin * offset_y
            turned_y = cos * offset_y - sin * offset_x
            distance = np.maximum(np.abs(turned_x), np.abs(turned_y))
            closer = distance < best
            second = np.where(closer, best, np.minimum(second, distance))
            best = np.where(closer, distance, best)
            labels = np.where(closer, index, labels)
            tilt = np.where(closer, -(offset_x + offset_y) / size, tilt)
    return labels, (second - best) / size, np.clip(tilt, -1.0, 1.0)
