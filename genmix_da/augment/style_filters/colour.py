"""Colour and tone: saturation, hue, contrast, palettes and gradients."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from .primitives import Colour, blur, luma, mix, smoothstep, three_channels


def saturate(image: np.ndarray, factor: float) -> np.ndarray:
    """Moves colours away from (factor > 1) or towards (factor < 1) their own grey."""
    grey = three_channels(luma(image))
    return np.clip(grey + (image - grey) * factor, 0.0, 1.0)


def shift_hue(image: np.ndarray, degrees: float) -> np.ndarray:
    """Rotates all hues of an RGB image by `degrees`."""
    hsv = cv2.cvtColor(np.clip(image, 0.0, 1.0).astype(np.float32), cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0] + degrees) % 360.0
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)


def saturation(image: np.ndarray) -> np.ndarray:
    """Chroma of each pixel, [H, W]: largest minus smallest channel, in [0, 1]."""
    red, green, blue = cv2.split(image)
    return cv2.max(cv2.max(red, green), blue) - cv2.min(cv2.min(red, green), blue)


def hue_colour(degrees: float, chroma: float = 0.9, value: float = 1.0) -> Colour:
    """RGB colour in [0, 1] of a hue in degrees."""
    pixel = np.array([[[degrees % 360.0, chroma, value]]], np.float32)
    red, green, blue = cv2.cvtColor(pixel, cv2.COLOR_HSV2RGB)[0, 0]
    return float(red), float(green), float(blue)


def stretch_contrast(image: np.ndarray, strength: float = 1.0) -> np.ndarray:
    """Stretches brightness so that the 2nd and 98th percentile reach 0.03 and 0.97.

    Args:
        image: RGB image [H, W, 3] in [0, 1].
        strength: 0 keeps the image, 1 stretches fully.

    Returns:
        The stretched image. The gain is limited to 2.5 so that flat images stay flat.
    """
    # Plain floats: numpy scalars would turn the whole image into float64.
    low, high = np.percentile(luma(image)[::2, ::2], (2.0, 98.0)).tolist()
    gain = min(0.94 / max(high - low, 1e-3), 2.5)
    middle = 0.5 * (low + high)
    target = 0.5 if gain < 2.5 else float(np.clip(middle, 0.3, 0.7))
    stretched = np.clip((image - middle) * gain + target, 0.0, 1.0)
    return mix(image, stretched, strength)


def even_light(image: np.ndarray, sigma: float, strength: float = 1.0) -> np.ndarray:
    """Equalises local brightness and contrast, so that forms in deep shade show their lines.

    Args:
        image: RGB image [H, W, 3] in [0, 1].
        sigma: Size of the neighbourhood in pixels.
        strength: 0 keeps the image, 1 equalises fully.

    Returns:
        The image with its brightness moved and its colour differences kept, [H, W, 3].
    """
    grey = luma(image)
    mean = blur(grey, sigma)
    deviation = np.sqrt(np.maximum(blur((grey - mean) ** 2, sigma), 0.0))
    # The floor keeps sensor and compression noise on plain backdrops from being raised.
    target = mean + 0.25 * (0.55 - mean) + (grey - mean) * (0.22 / (deviation + 0.07))
    return np.clip(image + three_channels(strength * (target - grey)), 0.0, 1.0)


def nearest_colours(
    image: np.ndarray, palette: Sequence[Colour], lightness_weight: float = 1.0
) -> np.ndarray:
    """Replaces each pixel by the nearest palette colour in Lab space.

    Args:
        image: RGB image [H, W, 3] in [0, 1].
        palette: Colours to choose from.
        lightness_weight: How much lightness counts against hue and chroma.

    Returns:
        The flat image, float32 [H, W, 3].
    """
    colours = np.asarray(palette, np.float32)
    scale = np.array([lightness_weight, 1.0, 1.0], np.float32)
    pixels = cv2.cvtColor(np.clip(image, 0.0, 1.0).astype(np.float32), cv2.COLOR_RGB2LAB) * scale
    anchors = cv2.cvtColor(colours[None], cv2.COLOR_RGB2LAB)[0] * scale
    # |p - a|^2 without the |p|^2 term, which is the same for every anchor.
    scores = (-2.0 * anchors) @ pixels.reshape(-1, 3).T
    scores += (anchors**2).sum(axis=1)[:, None]
    return colours[scores.argmin(axis=0)].reshape(image.shape)


def tone_map(grey: np.ndarray, stops: Sequence[Colour]) -> np.ndarray:
    """Colours a brightness field [H, W] by a gradient through evenly spaced `stops`."""
    ramp = np.asarray(stops, np.float32)
    positions = np.linspace(0.0, 1.0, len(ramp))
    levels = np.linspace(0.0, 1.0, 256)
    table = np.stack([np.interp(levels, positions, ramp[:, c]) for c in range(3)], axis=1)
    index = np.clip(grey * 255.0, 0, 255).astype(np.uint8)
    return table.astype(np.float32)[index]


def posterise(image: np.ndarray, levels: int, softness: float = 0.15) -> np.ndarray:
    """Reduces brightness to `levels` steps and keeps hue and relative chroma.

    Args:
        image: RGB image [H, W, 3] in [0, 1].
        levels: Number of brightness steps.
        softness: Width of the ramp between two steps, as a share of a step.

    Returns:
        The stepped image, float32 [H, W, 3].
    """
    grey = luma(image)
    scaled = grey * (levels - 1) + 0.5
    step = np.floor(scaled)
    edge = smoothstep(scaled - step, 1.0 - softness, 1.0)
    target = (step + edge) / (levels - 1)
    return np.clip(image * three_channels((target + 0.02) / (grey + 0.02)), 0.0, 1.0)


def vertical_gradient(
    shape: tuple[int, ...], stops: Sequence[Colour], bend: float = 1.0
) -> np.ndarray:
    """Image [H, W, 3] that runs from the first colour (top) to the last (bottom).

    A `bend` above 1 moves the stops down, below 1 up.
    """
    height, width = shape[:2]
    column = tone_map(np.linspace(0.0, 1.0, height, dtype=np.float32)[:, None] ** bend, stops)
    return np.repeat(column, width, axis=1)
