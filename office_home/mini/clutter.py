"""Rooms for the Real World domain: textured surfaces and things that are not the object."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from .palette import Colour, hsv
from .raster import SIZE, Plane, blurred, enlarged, grid, smooth_noise, to_bytes

# Rooms are out of focus, so they need few more pixels than the finished image has.
_SIDE = SIZE * 3 // 2


def room(rng: np.random.Generator, floor: float | None, side: int) -> Plane:
    """One random background.

    Args:
        rng: Source of everything in it.
        floor: Height (0 top, 1 bottom) at which the wall meets the table; None for a camera that
            looks straight down on one surface.
        side: Side of the picture to return.

    Returns:
        (side, side, 3) in 0..1, slightly out of focus.
    """
    surface = _surface(rng, _tone(rng))
    if floor is not None:
        wall = _surface(rng, _tone(rng))
        _, y = grid(_SIDE)
        tilt = np.float32(rng.uniform(-0.05, 0.05)) * (grid(_SIDE)[0] - 0.5)
        below = (y + tilt > floor)[..., None]
        surface = np.where(below, surface * np.float32(rng.uniform(0.75, 1.0)), wall)
    scene = _scattered(surface, rng, floor)
    return enlarged(blurred(scene, rng.uniform(0.4, 1.0)), side)


def _tone(rng: np.random.Generator) -> Colour:
    if rng.random() < 0.45:
        return hsv(rng.uniform(0.05, 0.12), rng.uniform(0.25, 0.6), rng.uniform(0.35, 0.85))
    return hsv(rng.random(), rng.uniform(0.03, 0.4), rng.uniform(0.3, 0.92))


def _surface(rng: np.random.Generator, tone: Colour) -> Plane:
    x, y = grid(_SIDE)
    if rng.random() < 0.5:
        x, y = y, x
    kind = rng.integers(5)
    if kind == 0:
        pattern = _planks(rng, x, y)
    elif kind == 1:
        pattern = _tiles(rng, x, y)
    elif kind == 2:
        threads = np.float32(rng.uniform(110, 190))
        pattern = 0.09 * np.sin(threads * x) * np.sin(threads * y) + 0.1 * smooth_noise(
            rng, 60, _SIDE
        )
    elif kind == 3:
        speckle = smooth_noise(rng, 48, _SIDE) + smooth_noise(rng, 90, _SIDE)
        pattern = 0.32 * (speckle - 1.0)
    else:
        stripes = np.sin(np.float32(rng.uniform(25, 70)) * (x + 0 * y))
        pattern = np.float32(rng.uniform(0.06, 0.14)) * np.sign(stripes)
    uneven = pattern + 0.25 * (smooth_noise(rng, 4, _SIDE) - 0.5)
    painted: Plane = np.clip(tone * (1 + uneven[..., None]), 0, 1).astype(np.float32)
    return painted


def _planks(rng: np.random.Generator, x: Plane, y: Plane) -> Plane:
    number = rng.uniform(3, 6)
    board = np.floor(x * np.float32(number) + 0 * y)
    grain = x * 60 + 7 * smooth_noise(rng, 5, _SIDE) + board * 13
    seam = (np.abs((x * np.float32(number)) % 1 - 0.5) > 0.47) + 0 * y
    wood: Plane = 0.1 * np.sin(grain) + 0.09 * np.sin(board * 5.1) - 0.35 * seam
    return wood


def _tiles(rng: np.random.Generator, x: Plane, y: Plane) -> Plane:
    number = np.float32(rng.uniform(4, 8))
    row = np.floor(y * number)
    offset = row * np.float32(rng.choice([0.0, 0.5]))
    across, down = (x * number * np.float32(0.6) + offset) % 1, (y * number) % 1 + 0 * x
    joint = (across < 0.08) | (down < 0.12)
    which = np.floor(x * number * np.float32(0.6) + offset) * 3.7 + row * 8.3
    tiled: Plane = 0.08 * np.sin(which) + np.float32(rng.choice([-0.3, 0.25])) * joint
    return tiled


def _scattered(surface: Plane, rng: np.random.Generator, floor: float | None) -> Plane:
    """Puts boxes, discs, sheets and bars around the room, more of them near its edges."""
    image = Image.fromarray(to_bytes(surface))
    pen = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(5, 10))):
        angle, far = rng.uniform(0, 2 * np.pi), rng.uniform(0.25, 0.62)
        cx, cy = (0.5 + far * np.cos(angle)) * _SIDE, (0.5 + far * np.sin(angle)) * _SIDE
        wide, high = rng.uniform(0.06, 0.2, 2) * _SIDE
        # What stands in a room with a wall stands upright; seen from above it lies anyhow.
        turn = rng.uniform(0, np.pi) if floor is None else rng.normal(0, 0.06)
        colour = hsv(rng.random(), rng.uniform(0.05, 0.65), rng.uniform(0.2, 0.9))
        fill, shade = _ink(colour), _ink(colour * np.float32(0.6))
        kind = rng.integers(4)
        if kind == 0:
            pen.ellipse((cx - wide, cy - wide, cx + wide, cy + wide), fill=shade)
            inner = wide * rng.uniform(0.6, 0.92)
            pen.ellipse((cx - inner, cy - inner, cx + inner, cy + inner), fill=fill)
            continue
        if kind == 1:
            wide, high = wide * 0.35, high * 2.2
        corners = _turned_box(cx, cy, wide, high, turn)
        pen.polygon(corners, fill=fill)
        pen.line([*corners[1:], corners[0]], fill=shade, width=3)
        if kind == 2:
            for share in (0.6, 0.2, -0.2):
                a, b, _, _ = _turned_box(cx, cy, wide * 0.7, high * share, turn)
                pen.line([a, b], fill=shade, width=2)
    return np.asarray(image, dtype=np.float32) / 255


def _ink(colour: Colour) -> tuple[int, ...]:
    return tuple(to_bytes(colour).tolist())


def _turned_box(
    cx: float, cy: float, wide: float, high: float, turn: float
) -> list[tuple[float, float]]:
    c, s = float(np.cos(turn)), float(np.sin(turn))
    signs = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    return [
        (cx + c * sx * wide - s * sy * high, cy + s * sx * wide + c * sy * high) for sx, sy in signs
    ]
