"""The `graffiti` style: spray paint on a wall."""

from __future__ import annotations

import cv2
import numpy as np

from .colour import even_light, nearest_colours, saturate, saturation, stretch_contrast, tone_map
from .edges import find_subject, ink_lines
from .primitives import (
    Colour,
    blur,
    clean_shapes,
    kuwahara,
    luma,
    mix,
    shade,
    smoothstep,
)
from .textures import brick_wall, fractal_noise, relief, scatter_discs, value_noise

_CANS: tuple[Colour, ...] = (
    (0.95, 0.10, 0.45),
    (0.98, 0.33, 0.08),
    (1.00, 0.85, 0.05),
    (0.45, 0.85, 0.10),
    (0.00, 0.72, 0.62),
    (0.05, 0.62, 0.95),
    (0.12, 0.22, 0.80),
    (0.55, 0.15, 0.80),
    (0.90, 0.08, 0.12),
)
_FADES: tuple[tuple[Colour, ...], ...] = (
    ((0.14, 0.05, 0.32), (0.55, 0.10, 0.70), (0.96, 0.15, 0.50), (1.0, 0.75, 0.10), (1, 1, 0.9)),
    ((0.03, 0.10, 0.35), (0.05, 0.35, 0.85), (0.00, 0.75, 0.80), (0.70, 0.95, 0.20), (1, 1, 0.9)),
    ((0.25, 0.02, 0.10), (0.85, 0.08, 0.20), (1.00, 0.45, 0.05), (1.0, 0.85, 0.10), (1, 1, 0.9)),
)
_WALLS: tuple[tuple[Colour, Colour, Colour], ...] = (
    ((0.50, 0.24, 0.17), (0.66, 0.36, 0.26), (0.68, 0.63, 0.57)),
    ((0.55, 0.53, 0.50), (0.68, 0.66, 0.62), (0.42, 0.40, 0.38)),
    ((0.62, 0.46, 0.32), (0.74, 0.58, 0.42), (0.50, 0.45, 0.40)),
)


def graffiti(image: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Saturated spray paint with a thick outline, halo, overspray and drips on brick.

    Drawn: the wall, the paints, drips and spatter.
    """
    source = stretch_contrast(image, 0.9)
    flat = kuwahara(source, 2 * scale)
    subject, trust = find_subject(flat)

    dark, light, joint = _WALLS[rng.integers(len(_WALLS))]
    mortar, tone = brick_wall(rng, image.shape, rng.uniform(17, 23) * scale)
    rough = fractal_noise(rng, image.shape, 5 * scale)
    stains = fractal_noise(rng, image.shape, 80 * scale)
    wall = mix(np.full_like(flat, dark), light, 0.7 * tone + 0.3 * rough)
    wall = shade(mix(wall, joint, mortar), 0.72 + 0.4 * stains)
    bumps = relief(0.6 * rough - 0.8 * mortar, 0.30, scale)

    fade = _FADES[rng.integers(len(_FADES))]
    steps = np.round(np.clip(luma(even_light(flat, 30 * scale, 0.6)), 0, 1) * 5) / 5
    greys = tone_map(blur(steps.astype(np.float32), 0.8 * scale), fade)
    hues = nearest_colours(saturate(flat, 2.5), _CANS, lightness_weight=0.35)
    hues = shade(hues, 0.55 + 0.6 * luma(flat))
    paint = mix(greys, hues, smoothstep(saturation(flat), 0.16, 0.30))
    paint = clean_shapes(paint, 2 * scale)

    halo_colour = _CANS[rng.integers(len(_CANS))]
    # Where the mask is a mere ellipse, its border is sprayed out raggedly instead of outlined.
    cloud = fractal_noise(rng, image.shape, 30 * scale, octaves=4) - 0.5
    shape = smoothstep(subject + 0.9 * (1.0 - trust) * cloud, 0.25, 0.6)
    halo = np.clip(1.6 * blur(shape, 7 * scale), 0.0, 1.0) * (1.0 - 0.9 * shape)
    dots = smoothstep(value_noise(rng, image.shape, 1.3 * scale), 0.25, 0.75)
    mist = halo * (0.55 + 0.45 * dots)
    canvas = mix(wall, halo_colour, 0.85 * mist)

    patchy = 0.80 + 0.20 * smoothstep(rough, 0.2, 0.7)
    canvas = mix(canvas, paint, shape * patchy * (1.0 - 0.3 * mortar))

    outline = ink_lines(flat, 1.5 * scale, 0.018, 35.0) * (0.35 + 0.65 * blur(shape, 2 * scale))
    rim = blur(shape, 1.5 * scale)
    border = trust * smoothstep(4.0 * rim * (1.0 - rim), 0.35, 0.85)
    stroke = blur(np.maximum(smoothstep(outline, 0.2, 0.7), border), 0.5 * scale)
    canvas = mix(canvas, (0.04, 0.03, 0.07), 0.94 * stroke)

    drips, drip_paint = _drips(rng, paint, shape, scale)
    canvas = mix(canvas, drip_paint, 0.92 * drips)
    spatter = scatter_discs(rng, image.shape, 45, (0.5 * scale, 1.9 * scale))
    canvas = mix(canvas, _CANS[rng.integers(len(_CANS))], 0.85 * spatter)
    return shade(canvas, bumps)


def _drips(
    rng: np.random.Generator, paint: np.ndarray, shape: np.ndarray, scale: float
) -> tuple[np.ndarray, np.ndarray]:
    """Paint runs that start inside the painted shape.

    Args:
        rng: Source of randomness.
        paint: RGB image [H, W, 3] the runs take their colour from.
        shape: Painted area, [H, W] in [0, 1].
        scale: Pixels per unit.

    Returns:
        Mask [H, W] and colours [H, W, 3] of the runs.
    """
    height, width = shape.shape
    mask = np.zeros((height, width), np.uint8)
    colours = np.zeros((height, width, 3), np.float32)
    painted_rows = shape > 0.6
    thick = max(1, round(2.2 * scale))
    for x in rng.choice(width, size=min(10, width // 2), replace=False):
        rows = np.flatnonzero(painted_rows[:, x])
        if rows.size == 0:
            continue
        start = int(rows[-1]) if rng.random() < 0.7 else int(rng.choice(rows))
        start = min(start, int(0.92 * height))
        end = start + round(rng.uniform(8, 42) * scale)
        colour = tuple(
            float(c) for c in 0.9 * saturate(paint[start : start + 1, x : x + 1], 1.3)[0, 0]
        )
        for layer, value in ((mask, 255), (colours, colour)):
            cv2.line(layer, (int(x), start), (int(x), end), value, thick)
            cv2.circle(layer, (int(x), end), max(1, round(1.7 * scale)), value, -1)
    spread = blur(mask.astype(np.float32) / 255.0, 0.5 * scale)
    # The colour layer is widened so that the soft rim of the mask never mixes with black.
    return spread, cv2.dilate(colours, np.ones((3, 3), np.uint8))
