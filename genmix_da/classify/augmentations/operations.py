"""Simple image operations of a drawn strength, for the methods that mix a picture with versions of
itself (PixMix, IPMix).

The set and the ranges are those of AugMix (Hendrycks et al., ICLR 2020), without the operations
that are alike to the corruptions of its benchmark. At severity s a level is drawn from U(0.1, s),
and reaches the full range at 10.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

Pixels = NDArray[np.uint8]
Operation = Callable[[Pixels, float, np.random.Generator], Pixels]

_DEGREES = 30.0
_SHEAR = 0.3
_SHIFT = 1.0 / 3.0
_SEVEREST = 10.0


def _sign(draw: np.random.Generator) -> float:
    return 1.0 if draw.random() < 0.5 else -1.0


def _warp(pixels: Pixels, matrix: NDArray[np.float64]) -> Pixels:
    """Where each pixel of the result comes from, [2, 3]; black beyond the border."""
    height, width = pixels.shape[:2]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(pixels, matrix, (width, height), flags=flags), dtype=np.uint8)


def autocontrast(pixels: Pixels, level: float, draw: np.random.Generator) -> Pixels:
    """Every channel stretched to 0..255."""
    return np.asarray(ImageOps.autocontrast(Image.fromarray(pixels)))


def equalize(pixels: Pixels, level: float, draw: np.random.Generator) -> Pixels:
    """Every channel's histogram made flat."""
    return np.asarray(ImageOps.equalize(Image.fromarray(pixels)))


def posterize(pixels: Pixels, level: float, draw: np.random.Generator) -> Pixels:
    """4 bits a channel, or fewer: 4 - 4 * level."""
    bits = 4 - int(4 * level)
    return pixels & np.uint8(256 - 2 ** (8 - max(bits, 1)))


def solarize(pixels: Pixels, level: float, draw: np.random.Generator) -> Pixels:
    """Values from 256 - 256 * level on are inverted."""
    return np.where(pixels >= 256 - int(256 * level), np.uint8(255) - pixels, pixels)


def rotate(pixels: Pixels, level: float, draw: np.random.Generator) -> Pixels:
    """By up to 30 degrees either way."""
    height, width = pixels.shape[:2]
    centre = ((width - 1) / 2, (height - 1) / 2)
    matrix = cv2.getRotationMatrix2D(centre, _sign(draw) * _DEGREES * level, 1.0)
    return _warp(pixels, np.asarray(matrix, dtype=np.float64))


def shear_x(pixels: Pixels, level: float, draw: np.random.Generator) -> Pixels:
    """Rows shifted by up to 0.3 pixels a row."""
    return _warp(pixels, np.array([[1, _sign(draw) * _SHEAR * level, 0], [0, 1, 0]], np.float64))


def shear_y(pixels: Pixels, level: float, draw: np.random.Generator) -> Pixels:
    """Columns shifted by up to 0.3 pixels a column."""
    return _warp(pixels, np.array([[1, 0, 0], [_sign(draw) * _SHEAR * level, 1, 0]], np.float64))


def translate_x(pixels: Pixels, level: float, draw: np.random.Generator) -> Pixels:
    """By up to a third of the width."""
    shift = _sign(draw) * int(_SHIFT * level * pixels.shape[1])
    return _warp(pixels, np.array([[1, 0, shift], [0, 1, 0]], np.float64))


def translate_y(pixels: Pixels, level: float, draw: np.random.Generator) -> Pixels:
    """By up to a third of the height."""
    shift = _sign(draw) * int(_SHIFT * level * pixels.shape[0])
    return _warp(pixels, np.array([[1, 0, 0], [0, 1, shift]], np.float64))


def mirror(pixels: Pixels, level: float, draw: np.random.Generator) -> Pixels:
    """Left and right exchanged."""
    return pixels[:, ::-1]


def invert(pixels: Pixels, level: float, draw: np.random.Generator) -> Pixels:
    """255 minus the value."""
    return np.uint8(255) - pixels


PIXMIX_OPERATIONS: tuple[Operation, ...] = (
    autocontrast,
    equalize,
    posterize,
    rotate,
    solarize,
    shear_x,
    shear_y,
    translate_x,
    translate_y,
)
# IPMix leaves out autocontrast and has two more.
IPMIX_OPERATIONS: tuple[Operation, ...] = (*PIXMIX_OPERATIONS[1:], mirror, invert)


def changed(
    pixels: Pixels, operations: tuple[Operation, ...], severity: float, draw: np.random.Generator
) -> Pixels:
    """A picture [H, W, 3] after one drawn operation of a drawn level; not in place.

    Args:
        pixels: contiguous.
        operations: to draw from.
        severity: upper end of the level, 10 is the full range.
        draw: of operation, level and direction.
    """
    operation = operations[int(draw.integers(len(operations)))]
    level = draw.uniform(min(0.1, severity), severity) / _SEVEREST
    return np.ascontiguousarray(operation(pixels, level, draw))
