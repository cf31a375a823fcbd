"""Painted styles: `watercolor painting`, `watercolor art` and `digital art`."""

from __future__ import annotations

import numpy as np

from .colour import even_light, hue_colour, saturate, shift_hue, stretch_contrast, vertical_gradient
from .edges import contour_lines, edge_strength, gradients, subject_mask
from .primitives import (
    blur,
    coordinates,
    kuwahara,
    luma,
    mix,
    screen,
    shade,
    smoothstep,
    three_channels,
)
from .textures import (
    blob,
    fractal_noise,
    paper_tooth,
    relief,
    scatter_discs,
    value_noise,
    wobble,
)


def _pigment(colour: np.ndarray, density: np.ndarray) -> np.ndarray:
    """Thickens (density > 1) or thins (density < 1) a transparent colour layer.

    Args:
        colour: RGB image [H, W, 3] in [0, 1], the colour at density 1.
        density: Pigment density, [H, W].

    Returns:
        RGB image [H, W, 3]; white and black do not change, as in real pigment.
    """
    return np.clip(colour - (colour - colour * colour) * (three_channels(density) - 1.0), 0.0, 1.0)


def watercolor_painting(image: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """A whole sheet of muted washes with granulation and dark pigment edges.

    Drawn: the wash tints, backruns and granulation.
    """
    source = even_light(stretch_contrast(image, 0.7), 30 * scale, 0.4)
    flat = wobble(rng, kuwahara(source, 2.5 * scale), fractal_noise, 18, 1.7)
    flat = kuwahara(flat, 2 * scale)

    cool = hue_colour(rng.uniform(195, 225), 0.26, 0.95)
    warm = hue_colour(rng.uniform(30, 48), 0.24, 0.97)
    flow = smoothstep(fractal_noise(rng, image.shape, 90 * scale), 0.25, 0.75)
    wash = mix(np.full_like(flat, cool), warm, flow)
    # Bright areas are never left bare: the first wash covers the full sheet.
    colour = (0.20 + 0.80 * saturate(flat, 1.15) ** 0.85) * mix(np.ones_like(flat), wash, 0.9)

    tide = np.abs(fractal_noise(rng, image.shape, 60 * scale, octaves=4) - 0.5)
    backrun = 1.0 - smoothstep(tide, 0.0, 0.035)
    turbulence = fractal_noise(rng, image.shape, 34 * scale) - 0.5
    tooth = paper_tooth(rng, image.shape, 1.9)
    rims = np.clip(edge_strength(flat, 0.7 * scale) * 7.0, 0.0, 1.0)
    density = 1.0 + 0.65 * turbulence + 0.65 * rims + 0.40 * backrun + 0.9 * (tooth - 0.5)
    painted = _pigment(colour, density)

    rows, columns = coordinates(image.shape)
    height, width = image.shape[:2]
    inset = np.minimum(
        np.minimum(rows, height - 1 - rows), np.minimum(columns, width - 1 - columns)
    )
    ragged = inset / scale + 7.0 * (fractal_noise(rng, image.shape, 16 * scale) - 0.5)
    sheet = smoothstep(ragged, 3.5, 5.5)
    rim = smoothstep(ragged, 3.0, 5.0) * (1.0 - smoothstep(ragged, 6.0, 9.0))
    painted = _pigment(painted, 1.0 + 0.8 * rim)
    paper = np.full_like(painted, (0.97, 0.96, 0.93))
    return shade(mix(paper, painted, sheet), relief(tooth, 0.14, scale))


def watercolor_art(image: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Loose saturated splashes around the subject on white, unpainted paper.

    Drawn: the splash hues, places and droplets.
    """
    source = even_light(stretch_contrast(image, 0.9), 30 * scale, 0.5)
    height, width = image.shape[:2]
    side = min(height, width)
    flat = wobble(rng, kuwahara(source, 3 * scale), fractal_noise, 18, 1.6)
    subject = subject_mask(flat)

    paper = np.full_like(flat, (0.99, 0.985, 0.975))
    first_hue = rng.uniform(0, 360)
    white = np.ones_like(flat)
    canvas = paper
    for step in range(4):
        reach = rng.uniform(0.16, 0.38) * side
        turn = rng.uniform(0, 2 * np.pi) if step else -np.pi / 4
        aside, down = reach * float(np.cos(turn)), reach * float(np.sin(turn))
        centre = (width / 2 + aside, height / 2 + down)
        depth = blob(rng, image.shape, centre, rng.uniform(0.20, 0.32) * side, 0.55)
        inside = smoothstep(depth, 0.0, 0.05)
        rim = inside * (1.0 - smoothstep(depth, 0.03, 0.16))
        pool = inside * (0.36 + 0.28 * smoothstep(depth, 0.0, 1.0)) + 0.35 * rim
        tint = np.asarray(hue_colour(first_hue + step * rng.uniform(45, 95), 0.75), np.float32)
        canvas = canvas * mix(white, tint, np.clip(pool, 0.0, 0.9))

    hint = np.asarray(hue_colour(first_hue + 180, 0.55), np.float32)
    vivid = saturate(mix(flat**0.7, flat * hint + 0.12, 0.3), 2.2)
    turbulence = fractal_noise(rng, image.shape, 26 * scale) - 0.5
    rims = np.clip(edge_strength(flat, 1.0 * scale) * 12.0, 0.0, 1.0)
    vivid = _pigment(np.clip(0.10 + 0.98 * vivid, 0, 1), 0.8 + 1.1 * turbulence + 0.5 * rims)
    ragged = subject + 0.55 * (fractal_noise(rng, image.shape, 30 * scale, octaves=4) - 0.5)
    presence = smoothstep(ragged, 0.22, 0.42)
    canvas = mix(canvas, vivid, 0.88 * presence)

    pencil = contour_lines(flat, 0.8 * scale, 0.015, 30.0) * smoothstep(subject, 0.1, 0.4)
    canvas = mix(canvas, (0.16, 0.14, 0.22), 0.7 * pencil)
    for step in range(3):
        drops = scatter_discs(rng, image.shape, 16, (0.6 * scale, 3.4 * scale))
        tint = np.asarray(hue_colour(first_hue + 70 * step, 0.8), np.float32)
        canvas = canvas * mix(white, tint, 0.75 * drops * (1.0 - 0.75 * presence))
    tooth = paper_tooth(rng, image.shape, 2.2)
    return shade(canvas, relief(tooth, 0.05, scale))


def digital_art(image: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Glossy, smooth rendering with two complementary neon lights, bloom and bokeh.

    Drawn: the light hues, their sides and the bokeh.
    """
    source = even_light(stretch_contrast(image, 0.9), 30 * scale, 0.3)
    flat = kuwahara(source, 2 * scale)
    smooth = 0.6 * flat + 0.4 * blur(flat, 0.8 * scale)
    subject = subject_mask(flat)
    tone = luma(smooth)

    cold_hue = rng.uniform(180, 205)
    warm_hue = rng.uniform(300, 335) if rng.random() < 0.6 else rng.uniform(15, 30)
    side = -1.0 if rng.random() < 0.5 else 1.0
    cold, warm = hue_colour(cold_hue, 0.95), hue_colour(warm_hue, 0.85)

    # A blurred brightness stands in for a height map, whose slopes face one of the lights.
    slope_x, _ = gradients(blur(tone, 3.0 * scale))
    facing = np.clip(side * slope_x * 16.0 * scale, -1.0, 1.0)
    _, columns = coordinates(image.shape)
    across = side * (columns / max(image.shape[1] - 1, 1) - 0.5)
    split = smoothstep(across + 0.35 * facing, -0.45, 0.45)
    key = mix(np.full_like(flat, cold), warm, split)

    curved = smooth * smooth * (3.0 - 2.0 * smooth)
    body = saturate(shift_hue(curved, rng.uniform(-15, 15)), 1.7)
    lit = body**0.85 * mix(np.ones_like(flat), 0.25 + 0.95 * key, 0.72)
    deep = vertical_gradient(
        image.shape,
        [hue_colour(248, 0.85, 0.16), hue_colour(275, 0.8, 0.34), hue_colour(255, 0.9, 0.2)],
    )
    stage = screen(deep, shade(key, 0.55 * blur(1.0 - subject, 6 * scale)))
    behind = (1.0 - subject) * smoothstep(tone, 0.3, 0.85)
    canvas = mix(lit, stage, 0.9 * behind)

    bokeh = scatter_discs(rng, image.shape, 14, (3 * scale, 9 * scale), softness=1.2 * scale)
    canvas = screen(canvas, shade(key, 0.45 * bokeh * (1.0 - 0.9 * subject)))
    rim_light = contour_lines(flat, 1.4 * scale, 0.02, 14.0)
    halo = rim_light + 1.4 * blur(rim_light, 4 * scale)
    canvas = screen(canvas, shade(key, 0.62 * np.clip(halo, 0, 1)))
    gloss = smoothstep(blur(tone, 1.5 * scale), 0.72, 0.98) * subject
    canvas = screen(canvas, three_channels(0.35 * gloss))
    bright = np.clip(canvas - 0.45, 0.0, 1.0)
    canvas = screen(canvas, 0.75 * blur(bright, 9 * scale))
    grain = value_noise(rng, image.shape, 60 * scale)
    return shade(canvas, 0.90 + 0.14 * grain)
