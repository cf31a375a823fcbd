"""Which colour each role has: real materials first, then each domain's taste."""

from __future__ import annotations

import colorsys

import numpy as np
from numpy.typing import NDArray

Colour = NDArray[np.float32]
Palette = dict[str, Colour]

_MATERIALS: dict[str, tuple[float, float, float]] = {
    "dark": (0.15, 0.15, 0.18),
    "light": (0.95, 0.95, 0.94),
    "paper": (0.96, 0.94, 0.88),
    "metal": (0.7, 0.73, 0.77),
    "hollow": (0.5, 0.53, 0.58),
    "casing": (0.76, 0.77, 0.8),
    "glass": (0.78, 0.89, 0.94),
    "wood": (0.66, 0.44, 0.24),
    "wood_pale": (0.93, 0.77, 0.55),
    "rubber": (0.93, 0.53, 0.58),
    "leaf": (0.24, 0.58, 0.25),
    "flame": (1.0, 0.55, 0.1),
    "glow": (1.0, 0.87, 0.3),
    "drink": (0.36, 0.2, 0.11),
    "screen_lcd": (0.72, 0.82, 0.68),
    "cavity": (0.17, 0.15, 0.17),
}
# Burning and glowing things keep their colour, or a candle stops looking lit.
_STEADY = ("flame", "glow")


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """(3,) RGB in 0..1; the hue wraps around."""
    return np.asarray(colorsys.hsv_to_rgb(hue % 1.0, saturation, value), dtype=np.float32)


def luminance(colour: NDArray[np.float32]) -> NDArray[np.float32]:
    """(...) brightness in 0..1 of (..., 3) RGB colours."""
    weighed = 0.3 * colour[..., 0] + 0.59 * colour[..., 1] + 0.11 * colour[..., 2]
    return np.asarray(weighed, dtype=np.float32)


def choose(domain: str, rng: np.random.Generator) -> Palette:
    """One image's colour per role.

    Args:
        domain: "Art", "Clipart", "Product" or "Real World".
        rng: Source of the choices.

    Returns:
        Role -> (3,) RGB in 0..1.
    """
    hue = rng.random()
    apart = hue + rng.choice([0.12, 0.35, 0.5, 0.65]) + rng.uniform(-0.05, 0.05)
    if domain == "Clipart":
        saturation, value, wobble = rng.uniform(0.6, 0.95), rng.uniform(0.8, 0.98), 0.02
    elif domain == "Art":
        saturation, value, wobble = rng.uniform(0.55, 0.9), rng.uniform(0.55, 0.92), 0.09
    elif domain == "Product":
        saturation, value, wobble = rng.uniform(0.3, 0.9), rng.uniform(0.35, 0.85), 0.03
    else:
        saturation, value, wobble = rng.uniform(0.2, 0.75), rng.uniform(0.35, 0.8), 0.05
    # Manufactured things are often simply grey or black.
    if domain in ("Product", "Real World") and rng.random() < 0.22:
        saturation, value = rng.uniform(0.0, 0.1), rng.choice([0.25, 0.45, 0.62])
    body = hsv(hue, saturation, value)
    step = -0.3 if value > 0.65 else 0.28
    accent = hsv(apart, saturation * rng.uniform(0.6, 1.0) + 0.1, np.clip(value + step, 0.2, 0.95))
    colours: Palette = {
        "body": body,
        "body_deep": body * np.float32(0.74),
        "body_pale": body + (1 - body) * np.float32(0.32),
        "accent": accent,
        "sign": hsv(*((0.4, 0.85, 0.55) if rng.random() < 0.5 else (0.99, 0.85, 0.78))),
        "screen": hsv(rng.uniform(0.5, 0.68), rng.uniform(0.35, 0.75), rng.uniform(0.5, 0.85)),
    }
    for role, base in _MATERIALS.items():
        shift = 0.0 if role in _STEADY else wobble
        jitter = rng.uniform(-shift, shift, 3) * 0.5 + rng.uniform(-shift, shift)
        colours[role] = np.clip(np.asarray(base) + jitter, 0, 1).astype(np.float32)
    if rng.random() < 0.35:
        colours["casing"] = colours["dark"] * np.float32(1.9)
    return colours
