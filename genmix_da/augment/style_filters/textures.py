"""Seeded textures and patterns: noise, paper, strokes, halftone, walls, blobs.

Everywhere `rng` is the source of randomness, and `shape` an image's shape, of which the first two
entries are used.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from .primitives import blur, coordinates, displace, smoothstep, unit


def value_noise(rng: np.random.Generator, shape: tuple[int, ...], cell: float) -> np.ndarray:
    """Smooth random field with features of `cell` pixels.

    Args:
        cell: Feature size in pixels; below 1 it is treated as 1.

    Returns:
        Field, float32 [H, W], about uniform in [0, 1].
    """
    height, width = shape[:2]
    cell = max(cell, 1.0)
    step = int(cell // 5)
    if step >= 2 and min(height, width) >= 8 * step:
        # Features this wide lose nothing on a reduced image, and cost far less there.
        field = value_noise(rng, (height // step, width // step), cell / step)
        return cv2.resize(field, (width, height), interpolation=cv2.INTER_LINEAR)
    grid = rng.random((int(height / cell) + 3, int(width / cell) + 3), dtype=np.float32)
    shift = rng.random(2)
    matrix = np.array([[1 / cell, 0, shift[0]], [0, 1 / cell, shift[1]]], np.float32)
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    field = cv2.warpAffine(
        grid, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT
    )
    return np.clip(field, 0.0, 1.0)


def fractal_noise(
    rng: np.random.Generator, shape: tuple[int, ...], cell: float, octaves: int = 3
) -> np.ndarray:
    """Sum of value noises, each half as large and half as strong; [H, W] in [0, 1]."""
    total = np.zeros(shape[:2], np.float32)
    for octave in range(octaves):
        total += (value_noise(rng, shape, cell / 2**octave) - 0.5) / 2**octave
    # The sum is narrower than its bounds; the factor restores a usable contrast.
    return np.clip(0.5 + 0.9 * total, 0.0, 1.0)


def wobble(
    rng: np.random.Generator,
    image: np.ndarray,
    noise: Callable[[np.random.Generator, tuple[int, ...], float], np.ndarray],
    cell: float,
    amount: float,
) -> np.ndarray:
    """Displaces the image by noise of `cell` and `amount` units: a shaky hand, paint that ran."""
    scale = unit(image.shape)
    shift_x = (noise(rng, image.shape, cell * scale) - 0.5) * 2 * amount * scale
    shift_y = (noise(rng, image.shape, cell * scale) - 0.5) * 2 * amount * scale
    return displace(image, shift_x, shift_y)


def stroke_noise(
    rng: np.random.Generator,
    shape: tuple[int, ...],
    angle: float,
    length: float,
    width: float,
) -> np.ndarray:
    """Random streaks along one direction, as left by a chalk, a crayon or a brush.

    Args:
        angle: Direction in radians; 0 is horizontal.
        length: Length of a streak in pixels.
        width: Width of a streak in pixels.

    Returns:
        Field, float32 [H, W], about uniform in [0, 1].
    """
    height, columns = shape[:2]
    length, width = max(length, 1.0), max(width, 0.8)
    diagonal = float(np.hypot(height, columns))
    grid_size = (int(diagonal / width) + 4, int(diagonal / length) + 4)
    grid = rng.random(grid_size, dtype=np.float32)
    cos, sin = np.cos(angle), np.sin(angle)
    centre_x, centre_y = columns / 2, height / 2
    matrix = np.array([[cos / length, sin / length, 0], [-sin / width, cos / width, 0]])
    middle = np.array([grid_size[1] / 2, grid_size[0] / 2])
    matrix[:, 2] = middle - matrix[:, :2] @ np.array([centre_x, centre_y])
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    field = cv2.warpAffine(
        grid, matrix, (columns, height), flags=flags, borderMode=cv2.BORDER_REFLECT
    )
    return np.clip(field, 0.0, 1.0)


def relief(field: np.ndarray, strength: float, reach: float = 1.0) -> np.ndarray:
    """Lights a height field [H, W] from the upper left; result is centred on 1."""
    step = max(1, round(reach))
    shifted = np.roll(field, (step, step), axis=(0, 1))
    return (1.0 + strength * (field - shifted)).astype(np.float32)


def paper_tooth(rng: np.random.Generator, shape: tuple[int, ...], grain: float) -> np.ndarray:
    """Height of rough paper, [H, W] in [0, 1], with bumps of `grain` units."""
    size = grain * unit(shape)
    return 0.65 * value_noise(rng, shape, size) + 0.35 * value_noise(rng, shape, 2.3 * size)


def paper_fibres(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Density of long plant fibres in washi paper, [H, W] in [0, 1]."""
    scale = unit(shape)
    total = np.zeros(shape[:2], np.float32)
    for _ in range(3):
        angle = rng.uniform(0.0, np.pi)
        streaks = stroke_noise(rng, shape, angle, 15 * scale, 0.9 * scale)
        total = np.maximum(total, smoothstep(streaks, 0.93, 1.0))
    return total


def halftone(coverage: np.ndarray, period: float, angle: float) -> np.ndarray:
    """Printed dots whose area follows the coverage.

    Args:
        coverage: Share of ink, [H, W] in [0, 1].
        period: Distance between dots in pixels; at least 3 is used.
        angle: Screen angle in radians.

    Returns:
        Ink, float32 [H, W], 1 inside a dot.
    """
    period = max(period, 3.0)
    rows, columns = coordinates(coverage.shape)
    turn = 2.0 * np.pi / period
    cos, sin = float(np.cos(angle)) * turn, float(np.sin(angle)) * turn
    along = cos * columns + sin * rows
    across = cos * rows - sin * columns
    threshold = 0.5 + 0.25 * (np.cos(along) + np.cos(across))
    softness = 1.2 / period
    # The offsets keep blank paper free of dots and full ink free of pinholes.
    level = coverage * (1.0 + 2.0 * softness) - softness
    return smoothstep(level - (1.0 - threshold), -softness, softness)


def brick_wall(
    rng: np.random.Generator, shape: tuple[int, ...], course: float
) -> tuple[np.ndarray, np.ndarray]:
    """Running-bond brickwork.

    Args:
        course: Height of one course of bricks in pixels.

    Returns:
        Mortar mask [H, W] (1 in a joint) and a random tone per brick [H, W] in [0, 1].
    """
    height, width = shape[:2]
    course = max(course, 4.0)
    length = 2.4 * course
    rows, columns = coordinates(shape)
    wobble = (value_noise(rng, shape, course) - 0.5) * 0.12 * course
    down = (rows + wobble + rng.uniform(0, course)) / course
    row = np.floor(down)
    along = (columns + wobble) / length + 0.5 * (row % 2)
    column = np.floor(along)
    gap_y = np.minimum(down - row, 1.0 - (down - row)) * course
    gap_x = np.minimum(along - column, 1.0 - (along - column)) * length
    joint = 0.075 * course
    mortar = 1.0 - smoothstep(np.minimum(gap_x, gap_y), 0.6 * joint, 1.7 * joint)
    table = rng.random((int(height / course) + 4, int(width / length) + 4), dtype=np.float32)
    last_row, last_column = table.shape[0] - 1, table.shape[1] - 1
    tone = table[
        np.clip(row + 1, 0, last_row).astype(np.intp),
        np.clip(column + 1, 0, last_column).astype(np.intp),
    ]
    return mortar, tone


def blob(
    rng: np.random.Generator,
    shape: tuple[int, ...],
    centre: tuple[float, float],
    radius: float,
    raggedness: float,
) -> np.ndarray:
    """Depth inside a ragged blot: positive inside, negative outside, in radii.

    Args:
        centre: Column and row of the centre in pixels.
        radius: Mean radius in pixels.
        raggedness: How far the outline wanders, as a share of the radius.

    Returns:
        Field, float32 [H, W]; 1 at the centre, 0 on the outline.
    """
    rows, columns = coordinates(shape)
    down, along = (rows - centre[1]) / radius, (columns - centre[0]) / radius
    distance = np.sqrt(down * down + along * along)
    wander = fractal_noise(rng, shape, 0.7 * radius, octaves=3) - 0.5
    return 1.0 - distance + np.float32(2.0 * raggedness) * wander


def scatter_discs(
    rng: np.random.Generator,
    shape: tuple[int, ...],
    count: int,
    radius: tuple[float, float],
    stretch: float = 1.0,
    angle: float = 0.0,
    softness: float = 0.0,
) -> np.ndarray:
    """Mask of randomly placed discs or ellipses (flakes, drops, stars, bokeh).

    Args:
        count: Number of discs.
        radius: Smallest and largest radius in pixels.
        stretch: Ratio of the long to the short axis.
        angle: Direction of the long axis in degrees.
        softness: Blur of the result in pixels.

    Returns:
        Mask, float32 [H, W] in [0, 1].
    """
    height, width = shape[:2]
    layer = np.zeros((height, width), np.uint8)
    for _ in range(count):
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        size = rng.uniform(*radius)
        level = int(rng.uniform(150, 256))
        # Sizes and positions carry four fractional bits, so small discs keep their size.
        axes = (round(16 * size * stretch), round(16 * size))
        polygon = cv2.ellipse2Poly((0, 0), (max(axes[0], 8), max(axes[1], 8)), 0, 0, 360, 30)
        turn = np.deg2rad(angle)
        rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        points = np.rint(polygon @ rotation + 16.0 * np.array([x, y])).astype(np.int32)
        cv2.fillPoly(layer, [points], level, lineType=cv2.LINE_AA, shift=4)
    return blur(layer.astype(np.float32) / 255.0, softness)
