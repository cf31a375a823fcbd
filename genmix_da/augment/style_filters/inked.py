"""Styles built on an ink outline: `retro comic`, `cartoon style` and `ukiyo-e`."""

from __future__ import annotations

import cv2
import numpy as np

from .colour import (
    even_light,
    hue_colour,
    nearest_colours,
    posterise,
    saturate,
    saturation,
    shift_hue,
    stretch_contrast,
    vertical_gradient,
)
from .edges import ink_lines, subject_mask
from .primitives import (
    Colour,
    blur,
    clean_shapes,
    coordinates,
    displace,
    kuwahara,
    luma,
    mix,
    shade,
    smoothstep,
    unit,
)
from .textures import fractal_noise, halftone, paper_fibres, stroke_noise, value_noise

_COMIC_INKS: tuple[Colour, ...] = (
    (0.88, 0.13, 0.14),
    (0.98, 0.82, 0.10),
    (0.10, 0.35, 0.72),
    (0.36, 0.72, 0.90),
    (0.12, 0.58, 0.34),
    (0.96, 0.55, 0.16),
    (0.98, 0.74, 0.60),
)
_COMIC_GREY_INKS: tuple[Colour, ...] = ((0.16, 0.40, 0.74), (0.30, 0.62, 0.86), (0.35, 0.45, 0.72))

_WOODBLOCK: tuple[Colour, ...] = (
    (0.11, 0.17, 0.33),
    (0.20, 0.34, 0.52),
    (0.46, 0.60, 0.66),
    (0.71, 0.22, 0.15),
    (0.83, 0.48, 0.28),
    (0.80, 0.64, 0.33),
    (0.43, 0.51, 0.35),
    (0.90, 0.83, 0.66),
    (0.17, 0.15, 0.16),
    (0.58, 0.53, 0.47),
)
_SEAL_RED: Colour = (0.74, 0.16, 0.12)
_SEAL_PAPER: Colour = (0.93, 0.86, 0.72)


def retro_comic(image: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Ben-Day dots in a few bright inks, black outlines and yellowed paper.

    Drawn: the screen angle, inks and misregistration.
    """
    source = even_light(stretch_contrast(image, 0.9), 30 * scale, 0.4)
    flat = kuwahara(source, 2 * scale)
    tone = luma(flat)
    chroma = saturation(flat)
    subject = subject_mask(flat)

    age = fractal_noise(rng, image.shape, 60 * scale)
    paper = mix(np.full_like(flat, (0.97, 0.91, 0.74)), (0.86, 0.75, 0.52), 0.5 * age)

    coloured = nearest_colours(saturate(flat, 2.2), _COMIC_INKS, lightness_weight=0.5)
    grey_ink = _COMIC_GREY_INKS[rng.integers(len(_COMIC_GREY_INKS))]
    inks = mix(np.full_like(flat, grey_ink), coloured, smoothstep(chroma, 0.10, 0.18))

    period = 6.5 * scale
    angle = rng.uniform(0.2, 1.3)
    levels = np.floor(np.clip(1.0 - tone, 0.0, 0.99) * 4) / 3
    coverage = np.clip(0.85 * levels + 0.9 * chroma, 0.0, 1.0)
    # Panels are filled behind the subject with a second ink that fades to one side.
    rows, columns = coordinates(image.shape)
    turn = rng.uniform(0, 2 * np.pi)
    along, down = float(np.cos(turn)), float(np.sin(turn))
    reach = along * columns / image.shape[1] + down * rows / image.shape[0]
    fade = np.clip(0.12 + 0.75 * (reach - reach.min()) / np.ptp(reach), 0.0, 0.8)
    backdrop = _COMIC_INKS[rng.choice([0, 1, 3])]
    blank = (1.0 - subject) * smoothstep(tone, 0.55, 0.85)
    printed = mix(
        paper, paper * np.asarray(backdrop, np.float32), halftone(fade, period, angle) * blank
    )
    dots = halftone(coverage, period, angle + 0.5) * (1.0 - blank)
    drift = rng.uniform(-1.5, 1.5, 2) * scale
    shift = np.array([[1, 0, drift[0]], [0, 1, drift[1]]], np.float32)
    size = (image.shape[1], image.shape[0])
    inks = cv2.warpAffine(inks, shift, size, borderMode=cv2.BORDER_REPLICATE)
    printed = mix(printed, paper * inks, dots)

    outline = ink_lines(flat, 1.2 * scale, 0.015, 40.0)
    solid = 1.0 - smoothstep(blur(tone, scale), 0.10, 0.17)
    ink = np.maximum(smoothstep(outline, 0.25, 0.75), solid)
    printed = mix(printed, (0.09, 0.07, 0.09), ink)
    speckle = smoothstep(value_noise(rng, image.shape, 1.5 * scale), 0.80, 1.0)
    return mix(printed, paper, 0.30 * speckle)


def cartoon_style(image: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Flat cel shading with bold black outlines on a plain bright backdrop.

    Drawn: the hue shift, backdrop and line weight.
    """
    source = even_light(stretch_contrast(image, 0.8), 30 * scale, 0.45)
    flat = kuwahara(kuwahara(source, 2 * scale), 2 * scale)
    flat = shift_hue(flat, rng.uniform(-12, 12))
    # Cel colours: brightness in few steps, and enough chroma to make greys read as a colour.
    tint = np.asarray(hue_colour(rng.uniform(200, 260), 0.35), np.float32)
    grey = 1.0 - smoothstep(saturation(flat), 0.05, 0.25)
    lifted = 0.12 + 0.88 * flat
    cel = posterise(mix(lifted, lifted * tint * 1.15, 0.45 * grey), 5, 0.1)
    cel = clean_shapes(saturate(cel, 2.1), 2 * scale)

    subject = subject_mask(flat)
    backdrop = hue_colour(rng.choice([48.0, 95.0, 190.0, 205.0, 330.0]) + rng.uniform(-8, 8), 0.42)
    blank = (1.0 - smoothstep(subject, 0.3, 0.6)) * smoothstep(luma(flat), 0.6, 0.8)
    cel = mix(cel, backdrop, 0.9 * blank)

    weight = rng.uniform(1.2, 1.6)
    outline = ink_lines(flat, weight * scale, 0.020, 45.0)
    return mix(cel, (0.02, 0.02, 0.03), smoothstep(outline, 0.2, 0.7))


def ukiyo_e(image: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Woodblock print: flat pigments, fine key lines, bokashi gradients and washi paper.

    Drawn: the bokashi colours, wood grain and seal.
    """
    source = even_light(stretch_contrast(image, 0.7), 30 * scale, 0.6)
    flat = kuwahara(kuwahara(source, 2.5 * scale), 1.5 * scale)
    wander = (value_noise(rng, image.shape, 24 * scale) - 0.5) * 2 * scale
    flat = displace(flat, wander, -wander)
    blocks = nearest_colours(saturate(flat, 1.5), _WOODBLOCK, lightness_weight=1.4)
    blocks = blur(clean_shapes(blocks, 2 * scale), 0.5 * scale)

    height = image.shape[0]
    subject = subject_mask(flat)
    top = _WOODBLOCK[rng.choice([0, 1, 6])]
    bottom = _WOODBLOCK[rng.choice([1, 2, 4, 5])]
    sky = (1.0 - smoothstep(subject, 0.35, 0.75)) * smoothstep(luma(flat), 0.35, 0.75)
    rows, _ = coordinates(image.shape)
    ramp = rows / max(height - 1, 1)
    depth = rng.uniform(0.28, 0.42)
    upper = (1.0 - smoothstep(ramp, 0.02, depth)) * np.ones_like(sky)
    lower = smoothstep(ramp, 0.66, 1.0) * np.ones_like(sky)
    blocks = mix(blocks, (0.91, 0.85, 0.70), 0.9 * sky)
    blocks = mix(blocks, top, 0.92 * upper * (0.45 + 0.55 * sky))
    blocks = mix(blocks, bottom, 0.75 * lower * (0.15 + 0.85 * sky))

    grain_angle = rng.uniform(-0.12, 0.12)
    wood = stroke_noise(rng, image.shape, grain_angle, 90 * scale, 2.2 * scale)
    fibres = paper_fibres(rng, image.shape)
    sheet = shade(blocks, 0.94 + 0.10 * wood)
    sheet = mix(sheet, (0.95, 0.90, 0.77), 0.16 * fibres)

    key = ink_lines(flat, 0.75 * scale, 0.008, 50.0)
    sheet = mix(sheet, (0.09, 0.10, 0.17), 0.92 * smoothstep(key, 0.2, 0.8))
    _stamp_seal(sheet, rng)
    aged = vertical_gradient(image.shape, [(1.0, 0.98, 0.92), (0.97, 0.93, 0.84)])
    return sheet * aged


def _stamp_seal(canvas: np.ndarray, rng: np.random.Generator) -> None:
    """Draws a small vermilion artist's seal into an upper corner, in place."""
    width = canvas.shape[1]
    scale = unit(canvas.shape)
    wide, tall, margin = round(13 * scale), round(26 * scale), round(9 * scale)
    if wide < 3:
        return
    left = margin if rng.random() < 0.5 else width - margin - wide
    patch = canvas[margin : margin + tall, left : left + wide]
    marks = smoothstep(value_noise(rng, patch.shape, 3.2 * scale), 0.55, 0.62)
    ink = mix(np.full(patch.shape, _SEAL_RED, np.float32), _SEAL_PAPER, np.round(marks))
    frame = max(1, round(1.6 * scale))
    ink[:frame] = ink[-frame:] = _SEAL_RED
    ink[:, :frame] = ink[:, -frame:] = _SEAL_RED
    patch[...] = 0.9 * ink + 0.1 * patch
