"""Styles of a season: `autumn` and `snowy`."""

from __future__ import annotations

import cv2
import numpy as np

from .colour import saturate, saturation, stretch_contrast, vertical_gradient
from .edges import find_subject, gradients, subject_mask
from .primitives import (
    Colour,
    blur,
    coordinates,
    luma,
    mix,
    shade,
    smoothstep,
    to_float,
    to_uint8,
)
from .textures import fractal_noise, scatter_discs, value_noise

_LEAVES: tuple[Colour, ...] = (
    (0.80, 0.18, 0.08),
    (0.92, 0.42, 0.06),
    (0.95, 0.66, 0.10),
    (0.62, 0.26, 0.08),
    (0.86, 0.30, 0.05),
)
# Outline of a five-lobed leaf with its stem, in radii, stem pointing down.
_LEAF_OUTLINE = np.array(
    [
        (0.00, -1.00), (0.16, -0.55), (0.42, -0.66), (0.36, -0.25), (0.95, -0.38),
        (0.66, 0.02), (0.82, 0.26), (0.30, 0.34), (0.34, 0.56), (0.06, 0.46),
        (0.05, 0.95), (-0.05, 0.95), (-0.06, 0.46), (-0.34, 0.56), (-0.30, 0.34),
        (-0.82, 0.26), (-0.66, 0.02), (-0.95, -0.38), (-0.36, -0.25), (-0.42, -0.66),
        (-0.16, -0.55),
    ],
    np.float32,
)  # fmt: skip


def autumn(image: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Golden light, orange foliage behind the subject, and falling leaves.

    Drawn: the foliage, the leaves and the tint.
    """
    source = stretch_contrast(image, 0.5)
    subject = subject_mask(source)
    tone = luma(source)

    hsv = cv2.cvtColor(source, cv2.COLOR_RGB2HSV)
    hue = hsv[..., 0]
    # Everything from yellow to green turns to the orange of foliage.
    leafy = smoothstep(hue, 50.0, 75.0) * (1.0 - smoothstep(hue, 150.0, 185.0))
    hsv[..., 0] = hue + leafy * (rng.uniform(18, 34) - hue)
    turned = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
    warm = mix(turned * np.asarray((1.10, 0.90, 0.66), np.float32), (0.80, 0.45, 0.14), 0.14)

    clumps = fractal_noise(rng, image.shape, 34 * scale, octaves=3)
    picks = rng.choice(len(_LEAVES), 2, replace=False)
    crown = mix(np.full_like(source, _LEAVES[picks[0]]), _LEAVES[picks[1]], clumps)
    crown = shade(crown, 0.75 + 0.5 * fractal_noise(rng, image.shape, 12 * scale))
    rows, _ = coordinates(image.shape)
    ramp = rows / image.shape[0]
    haze = vertical_gradient(
        image.shape, [(0.97, 0.80, 0.45), (0.99, 0.90, 0.66), (0.88, 0.66, 0.36)]
    )
    canopy = smoothstep(clumps + 0.75 * (0.42 - ramp), 0.42, 0.62)
    scene = mix(haze, blur(crown, 2.0 * scale), 0.85 * blur(canopy, 3.0 * scale))
    open_air = (1.0 - subject) * smoothstep(tone, 0.35, 0.85)
    canvas = mix(warm, scene, 0.92 * open_air)
    # Cluttered scenes have no free backdrop; foliage is then laid over their upper part.
    canvas = mix(canvas, crown, 0.42 * canopy * (1.0 - subject) * (1.0 - open_air))

    canvas = _fallen_leaves(to_uint8(canvas), rng, subject, scale)
    light = 1.06 - 0.16 * np.abs(ramp - 0.4)
    return saturate(shade(to_float(canvas), light), 1.12)


def _fallen_leaves(
    canvas: np.ndarray, rng: np.random.Generator, subject: np.ndarray, scale: float
) -> np.ndarray:
    """Draws a litter of leaves along the bottom and some falling through the air.

    Args:
        canvas: uint8 RGB [H, W, 3]; drawn into.
        rng: Source of randomness.
        subject: Subject mask [H, W]; most of the falling leaves keep clear of it.
        scale: Pixels per unit.

    Returns:
        The canvas.
    """
    height, width = subject.shape
    for index in range(46):
        falling = index < 20
        x = rng.uniform(0, width)
        y = rng.uniform(0, 0.92) * height if falling else height * (1 - 0.09 * rng.beta(1, 2))
        size = rng.uniform(4.5, 9.5) * scale
        angle, squash = rng.uniform(0, 2 * np.pi), rng.uniform(0.55, 1.0)
        colour = _LEAVES[rng.integers(len(_LEAVES))]
        shade = rng.uniform(0.75, 1.1)
        covered = subject[min(int(y), height - 1), min(int(x), width - 1)] > 0.5
        if falling and covered and index % 4:
            continue
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        points = (_LEAF_OUTLINE * (size * squash, size)) @ turn + (x, y)
        fixed = np.rint(points * 16).astype(np.int32)
        paint = tuple(min(255.0, 255.0 * shade * c) for c in colour)
        cv2.fillPoly(canvas, [fixed], paint, lineType=cv2.LINE_AA, shift=4)
        vein = tuple(0.6 * c for c in paint)
        ends = np.rint((np.array([(0, -0.7), (0, 0.9)]) * size @ turn + (x, y)) * 16).astype(int)
        cv2.line(canvas, ends[0].tolist(), ends[1].tolist(), vein, 1, cv2.LINE_AA, 4)
    return canvas


def snowy(image: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Cold haze, snow lying on upward-facing edges and the ground, and falling flakes.

    Drawn: the wind, the flakes and the drifts.
    """
    source = stretch_contrast(image, 0.4)
    height = image.shape[0]
    subject, trust = find_subject(source)
    tone = luma(source)

    cold = saturate(source, 0.5) * np.asarray((0.78, 0.90, 1.06), np.float32)
    cold = mix(cold, (0.70, 0.79, 0.90), 0.20)
    air = vertical_gradient(
        image.shape, [(0.50, 0.61, 0.76), (0.68, 0.77, 0.87), (0.82, 0.88, 0.94)]
    )
    open_air = (1.0 - subject) * smoothstep(tone, 0.45, 0.9)
    canvas = mix(cold, air, 0.92 * open_air)

    # Snow settles where brightness falls from top to bottom, which is where a form begins
    # below lighter air, and where the subject mask starts.
    _, fall = gradients(blur(tone, 1.5 * scale))
    _, outline = gradients(blur(subject, 3.0 * scale))
    ledge = np.clip(-fall * 16.0 * scale, 0, 1) * (0.35 + 0.35 * subject)
    ledge = np.maximum(ledge, trust * np.clip(outline * 16.0 * scale, 0, 1))
    crumble = 0.45 * (value_noise(rng, image.shape, 3.0 * scale) - 0.5)
    cap = smoothstep(blur(ledge, 1.2 * scale) + crumble, 0.22, 0.48)
    canvas = mix(canvas, (0.96, 0.98, 1.0), 0.95 * cap)

    rows, _ = coordinates(image.shape)
    dune = fractal_noise(rng, (4, image.shape[1]), 70 * scale)[1]
    top = height * (0.90 - 0.11 * dune)
    drift = smoothstep((rows - top[None, :]) / scale, -1.5, 3.0)
    depth = np.clip((rows - top[None, :]) / (0.2 * height), 0, 1)
    snow = mix(np.full_like(source, (0.97, 0.985, 1.0)), (0.74, 0.83, 0.94), depth)
    sparkle = value_noise(rng, image.shape, 1.6 * scale)
    canvas = mix(canvas, shade(snow, 0.95 + 0.07 * sparkle), 0.97 * drift)

    wind = rng.uniform(50, 85) * rng.choice([-1.0, 1.0])
    for count, low, high, soft, opacity in (
        (130, 0.5, 0.9, 0.0, 0.8),
        (55, 1.0, 1.7, 0.4, 0.9),
        (16, 2.2, 3.8, 1.3, 0.85),
    ):
        radius = (low * scale, high * scale)
        flakes = scatter_discs(rng, image.shape, count, radius, 1.5, wind, soft * scale)
        canvas = mix(canvas, (1.0, 1.0, 1.0), opacity * flakes)
    frost = 0.10 * (1.0 - saturation(source))
    return mix(canvas, (0.84, 0.90, 0.97), frost)
