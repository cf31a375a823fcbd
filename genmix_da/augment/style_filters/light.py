"""Styles that relight the scene: `sunset`, `rainbow` and `aurora`."""

from __future__ import annotations

import numpy as np

from .colour import hue_colour, saturate, stretch_contrast, tone_map, vertical_gradient
from .edges import contour_lines, find_subject, subject_mask
from .primitives import (
    Colour,
    blur,
    coordinates,
    glow,
    kuwahara,
    luma,
    mix,
    screen,
    shade,
    smoothstep,
)
from .textures import fractal_noise, scatter_discs, stroke_noise, value_noise

_RAINBOW: tuple[Colour, ...] = (
    (0.93, 0.10, 0.16),
    (1.00, 0.52, 0.05),
    (1.00, 0.92, 0.10),
    (0.18, 0.78, 0.25),
    (0.10, 0.68, 0.92),
    (0.20, 0.30, 0.85),
    (0.58, 0.18, 0.78),
)


def sunset(image: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Warm gradient sky with a low sun, and a dimmed, warm foreground.

    Drawn: the sun's place, the sky hues and the clouds.
    """
    source = stretch_contrast(image, 0.6)
    height, width = image.shape[:2]
    subject, trust = find_subject(source)
    tone = luma(source)

    turn = rng.uniform(-20, 16)
    sky = vertical_gradient(
        image.shape,
        [
            hue_colour(272 + turn, 0.62, 0.42),
            hue_colour(325 + turn, 0.58, 0.70),
            hue_colour(14 + turn, 0.75, 0.97),
            hue_colour(36 + turn, 0.78, 1.0),
            hue_colour(20 + turn, 0.85, 0.72),
        ],
        bend=rng.uniform(0.7, 1.35),
    )
    streaks = stroke_noise(rng, image.shape, rng.uniform(-0.12, 0.12), 80 * scale, 9 * scale)
    rows, columns = coordinates(image.shape)
    cloud = smoothstep(streaks, 0.55, 0.95) * (1.0 - smoothstep(rows / height, 0.45, 0.7))
    sky = mix(sky, hue_colour(345 + turn, 0.65, 0.55), 0.55 * cloud)

    # Of a few random places the sun takes the one where it is hidden least.
    places = rng.uniform((0.10, 0.28), (0.90, 0.55), (6, 2)) * (width, height)
    hidden = blur(subject, 12 * scale)[places[:, 1].astype(int), places[:, 0].astype(int)]
    sun_x, sun_y = (float(value) for value in places[hidden.argmin()])
    distance = np.hypot(columns - sun_x, rows - sun_y) / scale
    disc = 1.0 - smoothstep(distance, 17.0, 19.5)
    flare = np.exp(-((distance / 46.0) ** 2)) + 0.5 * np.exp(-distance / 80.0)
    sky = screen(sky, glow(0.75 * flare, (1.0, 0.72, 0.30)))
    sky = mix(sky, (1.0, 0.97, 0.74), disc)

    warm = tone_map(
        tone, [(0.09, 0.03, 0.10), (0.50, 0.19, 0.18), (0.95, 0.52, 0.26), (1, 0.83, 0.5)]
    )
    ground = mix(0.95 * source * np.asarray((1.0, 0.64, 0.50), np.float32), 0.75 * warm, 0.45)
    openness = 1.0 - 0.35 * subject
    show = (1.0 - subject) * smoothstep(tone, 0.30, 0.80)
    # A cluttered scene has no free sky; the evening then shines through its upper half.
    upper = (1.0 - trust) * (1.0 - smoothstep(rows / height, 0.10, 0.75))
    show = np.maximum(show, (0.35 + 0.30 * upper) * (1.0 - subject) + 0.25 * upper * tone)
    canvas = mix(ground, sky, 0.96 * show)
    rim = contour_lines(source, 1.2 * scale, 0.02, 16.0) * np.exp(-distance / 140.0)
    canvas = screen(canvas, glow(0.8 * rim, (1.0, 0.66, 0.25)))
    flare_gain = 0.34 + 0.30 * (1.0 - trust)
    canvas = screen(canvas, glow(flare_gain * flare * openness, (1.0, 0.60, 0.22)))
    canvas = mix(canvas, (1.0, 0.95, 0.66), 0.85 * (1.0 - trust) * disc * openness)
    return saturate(canvas, 1.2)


def rainbow(image: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """A bright seven-band arc across a fresh, sky-blue scene.

    Drawn: the arc's centre, size and the clouds.
    """
    source = saturate(stretch_contrast(image, 0.6), 1.35)
    height, width = image.shape[:2]
    subject = subject_mask(source)
    tone = luma(source)

    sky = vertical_gradient(
        image.shape, [(0.36, 0.66, 0.95), (0.66, 0.86, 0.99), (0.90, 0.97, 1.0)]
    )
    clouds = smoothstep(fractal_noise(rng, image.shape, 55 * scale, octaves=4), 0.52, 0.85)
    sky = mix(sky, (1.0, 1.0, 1.0), 0.75 * clouds)
    open_air = (1.0 - subject) * smoothstep(tone, 0.35, 0.85)
    canvas = mix(source * np.asarray((0.96, 1.0, 1.06), np.float32), sky, 0.85 * open_air)

    rows, columns = coordinates(image.shape)
    centre_x = rng.uniform(0.30, 0.70) * width
    centre_y = rng.uniform(0.90, 1.10) * height
    outer = rng.uniform(0.74, 0.88) * height
    band = rng.uniform(0.24, 0.31) * min(height, width)
    radius = np.hypot(columns - centre_x, rows - centre_y)
    across = (outer - radius) / band
    bands = tone_map(np.clip(across, 0.0, 1.0), _RAINBOW)
    soft = 0.06
    arc = smoothstep(across, -soft, soft) * (1.0 - smoothstep(across, 1.0 - soft, 1.0 + soft))
    # The arc keeps the brightness structure below it, so the subject stays readable.
    shaded = shade(bands, 0.35 + 0.75 * luma(canvas))
    canvas = mix(canvas, shaded, arc * (0.90 - 0.32 * subject))
    inner_glow = smoothstep(across, 0.9, 1.1) * (1.0 - smoothstep(across, 1.1, 2.2))
    return screen(canvas, glow(0.12 * inner_glow, (1.0, 1.0, 1.0)))


def aurora(image: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Night scene with stars under green and violet curtains of light.

    Drawn: the curtains' course, rays, hues and the stars.
    """
    source = stretch_contrast(image, 0.7)
    subject, trust = find_subject(source)
    tone = luma(source)

    moonlight = np.asarray((0.46, 0.62, 0.76), np.float32)
    moonlit = saturate(source, 0.9) ** 1.25 * moonlight + np.asarray((0.02, 0.05, 0.08), np.float32)
    night = vertical_gradient(
        image.shape, [(0.02, 0.03, 0.12), (0.03, 0.10, 0.20), (0.03, 0.15, 0.18)]
    )
    open_sky = (1.0 - subject) * smoothstep(tone, 0.25, 0.75)
    canvas = mix(moonlit, night, 0.94 * open_sky)
    stars = scatter_discs(rng, image.shape, 70, (0.35 * scale, 0.9 * scale))
    canvas = screen(canvas, glow(stars * (0.25 + 0.75 * open_sky), (0.95, 0.97, 1.0)))

    curtains = _curtains(rng, image.shape, scale)
    canvas = screen(canvas, shade(curtains, 1.0 - (0.35 + 0.25 * trust) * subject))
    rim = contour_lines(kuwahara(source, 1.5 * scale), 1.1 * scale, 0.015, 22.0)
    canvas = screen(canvas, glow(0.5 * rim, (0.35, 0.95, 0.70)))
    ambient = shade(blur(curtains, 22 * scale), (0.30 + 0.9 * tone) * subject)
    return screen(canvas, 0.45 * ambient)


def _curtains(rng: np.random.Generator, shape: tuple[int, ...], scale: float) -> np.ndarray:
    """Light of three aurora curtains, RGB [H, W, 3].

    Each curtain hangs from a wavy lower edge, is sharp below and fades upwards.
    """
    height, width = shape[:2]
    rows, _ = coordinates(shape)
    light = np.zeros((height, width, 3), np.float32)
    low_hue = rng.uniform(128, 158)
    high_hue = rng.uniform(270, 305)
    for curtain in range(3):
        wave = value_noise(rng, (4, width), 60 * scale)[1] - 0.5
        ripple = value_noise(rng, (4, width), 20 * scale)[1] - 0.5
        base = height * (
            0.34 + 0.20 * curtain + rng.uniform(-0.06, 0.06) + 0.38 * wave + 0.07 * ripple
        )
        rays = 0.45 + 0.55 * value_noise(rng, (4, width), 4.5 * scale)[1]
        patches = smoothstep(value_noise(rng, (4, width), 70 * scale)[1], 0.10, 0.55)
        rise = (base[None, :] - rows) / height
        reach = 0.16 + 0.14 * value_noise(rng, (4, width), 12 * scale)[1]
        fade = np.exp(-np.clip(rise, 0.0, None) / reach) * smoothstep(rise, -0.035, 0.02)
        field = (fade * rays * patches).astype(np.float32)
        hue_mix = smoothstep(rise, 0.06, 0.42)
        colour = mix(
            np.full((height, width, 3), hue_colour(low_hue, 0.82), np.float32),
            hue_colour(high_hue, 0.75),
            hue_mix,
        )
        light = screen(light, shade(colour, 0.9 * field))
    return light
