"""Small drawn images of a few classes in a few domains."""

from __future__ import annotations

import colorsys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = ("apple", "banana", "cherry", "date", "elder", "fig")
IMAGES_PER_CLASS = 12


def draw(kind: int, style: int, number: int) -> Image.Image:
    """A 20 x 20 image: the hue is the class, the bar's height and the noise are the domain."""
    noise = np.random.default_rng([style, kind, number])
    colour = np.array(colorsys.hsv_to_rgb(kind / 6, 1.0, 0.9)) * 255
    pixels = np.tile(colour, (20, 20, 1))
    pixels[5 + style : 9 + style, 5:15] = 255 - colour
    pixels += noise.normal(0, 12 + 6 * style, pixels.shape)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def write_data(
    root: Path,
    domains: Iterable[str] = ("Art", "Clipart"),
    classes: Iterable[str] = CLASSES,
    count: int = IMAGES_PER_CLASS,
) -> Path:
    """Write ROOT/<Domain>/<class>/<image>, half PNG and half JPEG; returns ROOT."""
    for style, domain in enumerate(domains):
        for kind, name in enumerate(classes):
            folder = root / domain / name
            folder.mkdir(parents=True)
            for number in range(count):
                suffix = ".png" if number % 2 else ".jpg"
                draw(kind, style, number).save(folder / f"{number:02}{suffix}")
    return root
