"""Shared conversion, blending and smoothing operations on float images.

Every filter works on float32 RGB images in [0, 1], shape [H, W, 3]; masks and fields
are float32, shape [H, W]. Lengths are given in pixels and derived from `unit`, so that a
96 px and a 512 px version of one photograph receive the same look.
"""

from __future__ import annotations

import cv2
import numpy as np

Colour = tuple[float, float, float]

_REFERENCE_SIDE = 224.0


def to_float(image: np.ndarray) -> np.ndarray:
    """Converts uint8 RGB [H, W, 3] to float32 in [0, 1]."""
    return image.astype(np.float32) / 255.0


def to_uint8(image: np.ndarray) -> np.ndarray:
    """Converts float RGB [H, W, 3] to uint8, clipping to [0, 1] first."""
    return (np.clip(image, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)


def unit(shape: tuple[int, ...]) -> float:
    """Length in pixels of one drawing unit: 1/224 of the shorter image side."""
    return min(shape[0], shape[1]) / _REFERENCE_SIDE


def luma(image: np.ndarray) -> np.ndarray:
    """Brightness of an RGB image, [H, W], in [0, 1]."""
    return cv2.cvtColor(np.ascontiguousarray(image, np.float32), cv2.COLOR_RGB2GRAY)


def smoothstep(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Maps values below `low` to 0 and above `high` to 1 with a smooth ramp between."""
    t = np.asarray(values, np.float32) - np.float32(low)
    t *= np.float32(1.0 / (high - low))
    np.clip(t, 0.0, 1.0, out=t)
    ramp = 3.0 - 2.0 * t
    ramp *= t
    ramp *= t
    return ramp


def three_channels(field: np.ndarray) -> np.ndarray:
    """Repeats a field [H, W] over three channels, [H, W, 3].

    Arithmetic on the result is several times faster than broadcasting over a last axis of
    length three, which numpy runs in steps of three numbers.
    """
    return cv2.merge((field, field, field))


def shade(image: np.ndarray, field: np.ndarray) -> np.ndarray:
    """Multiplies an RGB image [H, W, 3] by a field that broadcasts to [H, W]."""
    factor = np.broadcast_to(field, image.shape[:2]).astype(np.float32)
    return image * three_channels(factor)


def mix(base: np.ndarray, top: np.ndarray | Colour, alpha: np.ndarray | float) -> np.ndarray:
    """Blends `top` over `base`.

    Args:
        base: RGB image [H, W, 3].
        top: RGB image of the same shape, or one colour for all pixels.
        alpha: Opacity of `top`: a number, or a mask [H, W].

    Returns:
        The blended image, float32 [H, W, 3].
    """
    weight = alpha
    if isinstance(alpha, np.ndarray):
        weight = three_channels(np.broadcast_to(alpha, base.shape[:2]).astype(np.float32))
    if not isinstance(top, np.ndarray):
        # One row of the colour, for the same reason as in `three_channels`.
        top = np.tile(np.asarray(top, np.float32), (1, base.shape[1], 1))
    # In place on the one new array: these images are large against the processor cache.
    blended = top - base
    blended *= weight
    blended += base
    return blended


def screen(base: np.ndarray, light: np.ndarray) -> np.ndarray:
    """Adds light so that the result never exceeds 1 (both [H, W, 3])."""
    return 1.0 - (1.0 - np.clip(base, 0.0, 1.0)) * (1.0 - np.clip(light, 0.0, 1.0))


def glow(field: np.ndarray, colour: Colour | np.ndarray) -> np.ndarray:
    """Turns a mask [H, W] into coloured light [H, W, 3]."""
    if not isinstance(colour, np.ndarray):
        colour = np.tile(np.asarray(colour, np.float32), (1, field.shape[1], 1))
    return three_channels(field) * colour


def blur(image: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur with `sigma` in pixels; wide blurs run on a reduced image for speed."""
    if sigma < 0.25:
        return image
    step = int(sigma // 4)
    height, width = image.shape[:2]
    if step < 2 or min(height, width) < 8 * step:
        return cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    small = cv2.resize(image, (width // step, height // step), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / step, borderType=cv2.BORDER_REFLECT)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


def kuwahara(image: np.ndarray, radius: float) -> np.ndarray:
    """Edge-preserving abstraction: flattens regions and keeps their borders sharp.

    Each pixel becomes the average of its four quadrant means, weighted heavily towards the
    quadrants of least variance, which is a soft form of the Kuwahara filter.

    Args:
        image: RGB image [H, W, 3] in [0, 1].
        radius: Quadrant size in pixels; rounded, at least 1.

    Returns:
        The flattened image, float32 [H, W, 3].
    """
    reach = max(1, round(radius))
    grey = luma(image)
    squared = grey * grey
    size = (reach + 1, reach + 1)
    total = np.zeros_like(image)
    weights = np.zeros_like(grey)

    def box(values: np.ndarray, anchor: tuple[int, int]) -> np.ndarray:
        return cv2.blur(values, size, anchor=anchor, borderType=cv2.BORDER_REFLECT)

    for anchor in ((0, 0), (reach, 0), (0, reach), (reach, reach)):
        mean = box(grey, anchor)
        variance = np.maximum(box(squared, anchor) - mean * mean, 0.0)
        # Fourth power of the inverse variance, squared twice because a general power is slow.
        weight = 2e-4 / (variance + 2e-4)
        weight *= weight
        weight *= weight
        weight += 1e-12
        total += box(image, anchor) * three_channels(weight)
        weights += weight
    return total / three_channels(weights)


def clean_shapes(image: np.ndarray, radius: float) -> np.ndarray:
    """Rounds the outlines of flat areas and drops specks, by a median of `radius` pixels.

    Args:
        image: RGB image [H, W, 3] in [0, 1].
        radius: Radius in pixels; below 0.5 the image is returned unchanged.

    Returns:
        The cleaned image, float32 [H, W, 3].
    """
    reach = round(radius)
    if reach < 1:
        return image
    return to_float(cv2.medianBlur(to_uint8(image), 2 * reach + 1))


def coordinates(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Pixel coordinates as two broadcastable fields: rows [H, 1] and columns [1, W]."""
    rows = np.arange(shape[0], dtype=np.float32)[:, None]
    columns = np.arange(shape[1], dtype=np.float32)[None, :]
    return rows, columns


def displace(image: np.ndarray, shift_x: np.ndarray, shift_y: np.ndarray) -> np.ndarray:
    """Moves pixels by the given fields [H, W] in pixels; used for a wobbly hand."""
    rows, columns = coordinates(image.shape)
    return cv2.remap(
        image,
        (columns + shift_x).astype(np.float32),
        (rows + shift_y).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT,
    )
