"""Light on the object: bent surfaces, bevelled edges, glints and shadows."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from .palette import Palette
from .parts import Form
from .raster import Plane, Raster, blurred, grid, part_extent

# Brightness on a surface as b + u*x + uu*x^2 + v*y + vv*y^2, with x and y from -1 to 1 across it,
# lit from the upper left.
_FORMS: dict[Form, tuple[float, float, float, float, float]] = {
    "flat": (1.0, -0.04, 0.0, -0.09, 0.0),
    "tube_x": (1.13, -0.26, -0.42, -0.03, 0.0),
    "tube_y": (1.1, -0.03, 0.0, -0.26, -0.34),
    "ball": (1.16, -0.2, -0.3, -0.24, -0.3),
}
_GLOSS = {"metal": 0.5, "glass": 0.4, "body": 0.32, "accent": 0.25, "casing": 0.2, "dark": 0.18}
_Value = TypeVar("_Value", np.float32, np.uint8)
_GLOW = ("flame", "glow", "screen", "screen_lcd")


def shaded(raster: Raster, palette: Palette, strength: float = 1.0) -> Plane:
    """The object lit from the upper left.

    Args:
        raster: The drawn object.
        palette: Role -> (3,) colour.
        strength: 1 for a studio lamp, less for flatter light.

    Returns:
        (S, S, 3) in 0..1; black where there is no object.
    """
    count = len(raster.placed.parts) + 1
    table = np.zeros((count, 5), dtype=np.float32)
    box = np.ones((count, 4), dtype=np.float32)
    gloss = np.zeros((count, 2), dtype=np.float32)
    bevel = np.ones(count, dtype=np.float32)
    for number, part in enumerate(raster.placed.unit_parts, start=1):
        table[number] = _FORMS[part.form]
        box[number] = part_extent(part)
        shine = _GLOSS.get(part.role, 0.0)
        gloss[number] = (shine, 0.0 if part.form == "tube_x" else 1.0)
        if part.form == "flat":
            gloss[number, 0] = 0.0
        if part.role in _GLOW:
            table[number] = (1.0, 0, 0, 0, 0)
            bevel[number] = 0.0
    # Only the object's own pixels are worked on: they are often a quarter of the canvas.
    rows, columns = np.nonzero(raster.labels)
    labels = raster.labels[rows, columns]
    x, y = _own_coordinates(raster, rows, columns)
    b, t, g = box[labels], table[labels], gloss[labels]
    u, v = (x - b[:, 0]) / b[:, 2], (y - b[:, 1]) / b[:, 3]
    light = t[:, 0] + u * (t[:, 1] + t[:, 2] * u) + v * (t[:, 3] + t[:, 4] * v)
    light = 1 + (light - 1) * strength
    light += 0.55 * strength * _bevel(raster)[rows, columns] * bevel[labels]
    glint = g[:, 0] * np.exp(-((u + 0.42) ** 2 + g[:, 1] * (v + 0.45) ** 2) * 9)
    colour = raster.flat_colours(palette, np.zeros(3, dtype=np.float32))
    lit = colour[rows, columns] * light[:, None] + strength * glint[:, None]
    colour[rows, columns] = np.clip(lit, 0, 1)
    return colour


def cast_shadow(raster: Raster, dx: float, dy: float, softness: float) -> Plane:
    """(S, S) shadow of a thing lying flat: its outline moved and softened.

    Args:
        raster: The drawn object.
        dx: Shift to the right, in finished pixels.
        dy: Shift down, in finished pixels.
        softness: Blur radius, in finished pixels.
    """
    down, right = round(dy * raster.scale), round(dx * raster.scale)
    return blurred(_moved(raster.mask, down, right), softness)


def contact_shadow(raster: Raster, spread: float, softness: float) -> Plane:
    """(S, S) shadow of a standing thing: a soft ellipse under its foot.

    Args:
        raster: The drawn object.
        spread: Width of the ellipse relative to the object's.
        softness: How far the edge fades, relative to the ellipse.
    """
    left, _, right, bottom = raster.placed.extent
    x, y = grid(raster.side)
    rx, ry = spread * (right - left) / 2, 0.035 + 0.04 * (right - left)
    off = ((x - (left + right) / 2) / rx) ** 2 + ((y - bottom + ry * 0.35) / ry) ** 2
    return np.clip((1 + softness - off) / (2 * softness), 0, 1).astype(np.float32)


def _own_coordinates(
    raster: Raster, rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> tuple[Plane, Plane]:
    m = raster.placed.inverse.astype(np.float32)
    x = (columns.astype(np.float32) + 0.5) / raster.side
    y = (rows.astype(np.float32) + 0.5) / raster.side
    depth = m[2, 0] * x + m[2, 1] * y + m[2, 2]
    across = (m[0, 0] * x + m[0, 1] * y + m[0, 2]) / depth
    return across, (m[1, 0] * x + m[1, 1] * y + m[1, 2]) / depth


def _bevel(raster: Raster) -> Plane:
    # An edge of a part facing the lamp is lighter, one facing away is darker.
    labels, reach = raster.labels, raster.scale
    before = (_moved(labels, reach, reach) != labels).astype(np.float32)
    after = (_moved(labels, -reach, -reach) != labels).astype(np.float32)
    return blurred(0.5 + 0.5 * (before - after), 0.8) * 2 - 1


def _moved(plane: NDArray[_Value], down: int, right: int) -> NDArray[_Value]:
    out = np.zeros_like(plane)
    rows, columns = plane.shape[0] - abs(down), plane.shape[1] - abs(right)
    r0, c0 = max(down, 0), max(right, 0)
    s0, d0 = max(-down, 0), max(-right, 0)
    out[r0 : r0 + rows, c0 : c0 + columns] = plane[s0 : s0 + rows, d0 : d0 + columns]
    return out
