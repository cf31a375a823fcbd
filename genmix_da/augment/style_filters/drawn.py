"""Styles drawn with a dry stick: `chalk drawing` and `a sketch with crayon`."""

from __future__ import annotations

import numpy as np

from .colour import even_light, nearest_colours, saturate, saturation, stretch_contrast
from .edges import find_subject, ink_lines
from .primitives import (
    Colour,
    blur,
    glow,
    kuwahara,
    luma,
    mix,
    screen,
    shade,
    smoothstep,
    three_channels,
)
from .textures import (
    fractal_noise,
    paper_tooth,
    relief,
    scatter_discs,
    stroke_noise,
    value_noise,
    wobble,
)

_BOARDS: tuple[Colour, ...] = ((0.10, 0.20, 0.16), (0.12, 0.17, 0.15), (0.12, 0.13, 0.14))

_CRAYONS: tuple[Colour, ...] = (
    (0.86, 0.12, 0.16),
    (0.96, 0.47, 0.10),
    (0.98, 0.80, 0.10),
    (0.20, 0.62, 0.24),
    (0.10, 0.50, 0.46),
    (0.13, 0.34, 0.78),
    (0.42, 0.72, 0.92),
    (0.46, 0.22, 0.62),
    (0.92, 0.44, 0.62),
    (0.50, 0.29, 0.14),
    (0.78, 0.58, 0.38),
    (0.20, 0.20, 0.23),
    (0.50, 0.52, 0.56),
)


def chalk_drawing(image: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Light chalk lines and hatching on a dusty, dark board.

    Drawn: the board, hatching direction and dust.
    """
    source = stretch_contrast(image, 0.7)
    flat = wobble(rng, kuwahara(source, 1.5 * scale), value_noise, 14, 0.8)
    subject, trust = find_subject(flat)
    angle = rng.uniform(0.5, 1.1) * rng.choice([-1.0, 1.0])

    smears = fractal_noise(rng, image.shape, 70 * scale)
    wipes = stroke_noise(rng, image.shape, rng.uniform(-0.5, 0.5), 110 * scale, 9 * scale)
    board = np.asarray(_BOARDS[rng.integers(len(_BOARDS))], np.float32)
    dust = 0.10 * smears + 0.09 * wipes * smears
    canvas = board + three_channels(dust)

    tooth = paper_tooth(rng, image.shape, 1.5)
    lit = even_light(flat, 16 * scale)
    lines = ink_lines(flat, 0.9 * scale, 0.009, 30.0)
    # Chalk skips over the pores of the board: the tooth decides where a line breaks.
    line = smoothstep(lines - 0.55 * tooth, 0.0, 0.35)

    tone = luma(mix(flat, lit, 0.7))
    coarse = stroke_noise(rng, image.shape, angle, 26 * scale, 1.5 * scale)
    # Without a known backdrop the hatching is held back, so that it does not bury the lines.
    shading = subject * (0.5 + 0.5 * trust) * (0.92 * tone - 0.02)
    hatch = smoothstep(shading + 0.50 * (coarse - 0.62) - 0.30 * tooth, 0.0, 0.5)

    tint = saturate(flat / np.maximum(flat.max(axis=2, keepdims=True), 0.15), 1.1)
    stick = mix(np.full_like(flat, 0.95), tint, smoothstep(saturation(flat), 0.08, 0.45) * 0.7)
    canvas = mix(canvas, stick, 0.75 * hatch)
    canvas = mix(canvas, (0.97, 0.97, 0.93), 0.95 * line)
    haze = blur(np.maximum(line, 0.6 * hatch), 3.5 * scale)
    canvas = screen(canvas, three_channels(0.13 * haze))
    specks = scatter_discs(rng, image.shape, 60, (0.35 * scale, 0.8 * scale))
    canvas = mix(canvas, (0.9, 0.9, 0.87), 0.55 * specks)
    return shade(canvas, relief(tooth, 0.10, scale))


def crayon_sketch(image: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Waxy coloured strokes and a rough outline on textured paper.

    Drawn: stroke directions, paper and hand tremor.
    """
    source = even_light(stretch_contrast(image, 0.6), 30 * scale, 0.35)
    flat = wobble(rng, kuwahara(source, 2 * scale), value_noise, 14, 1.8)
    tone = luma(flat)
    chroma = saturation(flat)
    angle = rng.uniform(0.45, 1.05) * rng.choice([-1.0, 1.0])

    tooth = paper_tooth(rng, image.shape, 1.7)
    sheet = glow(relief(tooth, 0.12, scale), (0.975, 0.96, 0.925))

    first = stroke_noise(rng, image.shape, angle, 60 * scale, 2.8 * scale)
    second = stroke_noise(rng, image.shape, angle + 0.5, 60 * scale, 3.2 * scale)
    # Dark areas are gone over a second time in another direction.
    strokes = np.where(tone < 0.38, np.maximum(first, 0.85 * second), first)
    pressure = np.clip(1.08 - tone + 0.75 * chroma, 0.0, 1.15)
    pressure *= smoothstep(pressure, 0.10, 0.32)
    wax = smoothstep(0.95 * pressure + 0.75 * strokes - 0.55 * tooth, 0.38, 0.72)

    vivid = saturate(np.clip(flat * 1.1 + 0.03, 0.0, 1.0), 1.9)
    stick = nearest_colours(vivid, _CRAYONS, lightness_weight=0.9)
    layered = np.clip(shade(stick, 0.55 + 0.75 * tone) + 0.10 * flat, 0.0, 1.0)
    canvas = sheet * mix(np.ones_like(flat), layered, 0.9 * wax)

    outline = ink_lines(flat, 1.2 * scale, 0.014, 22.0)
    mark = smoothstep(outline + 0.35 * (first - 0.5) - 0.5 * tooth, 0.0, 0.4)
    ink = mix(np.full_like(flat, 0.16), stick * 0.45, 0.5)
    canvas = mix(canvas, ink, 0.85 * mark)
    # Wax crumbs lie slightly proud of the paper and catch the light.
    bloom = smoothstep(value_noise(rng, image.shape, 1.6 * scale), 0.8, 1.0) * wax
    return mix(canvas, (1.0, 1.0, 0.97), 0.35 * bloom)
