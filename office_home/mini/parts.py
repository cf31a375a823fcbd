"""The drawing vocabulary: what an object is made of, before any domain paints it.

Every object is a list of `Part`s in its own unit coordinates (x to the right, y down, roughly
-1 to 1; the exact extent does not matter, because `pose` fits the result into the frame).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
Pairs = Sequence[tuple[float, float]]
Form = Literal["flat", "tube_x", "tube_y", "ball"]


@dataclass(frozen=True)
class Part:
    """One piece of an object.

    Attributes:
        points: (N, 2) outline of a filled polygon, or the path of a thick line.
        role: What the piece is made of ("body", "metal", ...), a key of the palette.
        width: 0 for a filled polygon; the thickness of the line, in unit lengths, otherwise.
        form: How the surface bends, for the domains that shade it: "tube_x" is a cylinder whose
            brightness changes along x, "tube_y" along y, "ball" along both.
        edged: Whether clip art draws an outline around it; small marks read better without.
    """

    points: Points
    role: str
    width: float = 0.0
    form: Form = "flat"
    edged: bool = True


Parts = list[Part]


@dataclass(frozen=True)
class ObjectSpec:
    """How to build and place one class of object.

    Attributes:
        build: Makes the parts; every call with a fresh random state gives other proportions.
        tilt: Largest rotation to either side, in degrees; 180 means any direction.
        flip: Whether the mirror image is still the same object (lettering is not).
        standing: Whether it stands on something (its shadow is at its foot) or lies flat.
    """

    build: Callable[[np.random.Generator], Parts]
    tilt: float = 12.0
    flip: bool = True
    standing: bool = True


def poly(role: str, points: Pairs | Points, form: Form = "flat", edged: bool = True) -> Part:
    """A filled polygon with straight sides."""
    return Part(np.asarray(points, dtype=np.float64), role, 0.0, form, edged)


def blob(
    role: str, points: Pairs | Points, form: Form = "flat", edged: bool = True, cuts: int = 3
) -> Part:
    """A filled polygon whose corners are rounded off by repeated corner cutting."""
    return Part(_cut_corners(np.asarray(points, dtype=np.float64), cuts), role, 0.0, form, edged)


def box(
    role: str,
    x0: float,
    y0: float,
    x1: float,
    y1: float,
    radius: float = 0.0,
    form: Form = "flat",
    edged: bool = True,
) -> Part:
    """An upright rectangle from (x0, y0) to (x1, y1), its corners rounded by `radius`."""
    radius = min(radius, abs(x1 - x0) / 2, abs(y1 - y0) / 2)
    if radius <= 0:
        return poly(role, [(x0, y0), (x1, y0), (x1, y1), (x0, y1)], form, edged)
    corners = [
        (x1 - radius, y1 - radius, 0.0),
        (x0 + radius, y1 - radius, 90.0),
        (x0 + radius, y0 + radius, 180.0),
        (x1 - radius, y0 + radius, 270.0),
    ]
    outline = [arc(cx, cy, radius, radius, a, a + 90.0, 6) for cx, cy, a in corners]
    return Part(np.concatenate(outline), role, 0.0, form, edged)


def oval(
    role: str,
    cx: float,
    cy: float,
    rx: float,
    ry: float,
    form: Form = "flat",
    edged: bool = True,
    turn: float = 0.0,
) -> Part:
    """A filled ellipse around (cx, cy), turned clockwise by `turn` degrees."""
    outline = arc(0.0, 0.0, rx, ry, 0.0, 360.0, 36)[:-1]
    return Part(np.add(turned(outline, turn), (cx, cy)), role, 0.0, form, edged)


def line(role: str, points: Pairs | Points, width: float, edged: bool = True) -> Part:
    """A thick line through `points`, with round ends and joints."""
    return Part(np.asarray(points, dtype=np.float64), role, width, "flat", edged)


def ring(role: str, cx: float, cy: float, rx: float, ry: float, width: float) -> Part:
    """A closed elliptic loop drawn with a thick line."""
    return line(role, arc(cx, cy, rx, ry, 0.0, 360.0, 40), width)


def arc(
    cx: float, cy: float, rx: float, ry: float, start: float, stop: float, steps: int = 20
) -> Points:
    """(steps + 1, 2) points on an ellipse; degrees, 0 to the right and 90 down."""
    angle = np.radians(np.linspace(start, stop, steps + 1))
    return np.stack([cx + rx * np.cos(angle), cy + ry * np.sin(angle)], axis=1)


def curve(points: Pairs, steps: int = 24) -> Points:
    """(steps + 1, 2) points on the Bezier curve with these 3 or 4 control points."""
    control = np.asarray(points, dtype=np.float64)
    t = np.linspace(0.0, 1.0, steps + 1)[:, None]
    # De Casteljau: neighbours are blended until one path is left.
    paths: list[Points] = [point + np.zeros_like(t) for point in control]
    while len(paths) > 1:
        paths = [a * (1 - t) + b * t for a, b in pairwise(paths)]
    return paths[0]


def turned(points: Points, degrees: float, about: tuple[float, float] = (0.0, 0.0)) -> Points:
    """The (N, 2) points rotated clockwise about a centre."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    x, y = points[:, 0] - about[0], points[:, 1] - about[1]
    return np.stack([about[0] + c * x - s * y, about[1] + s * x + c * y], axis=1)


def placed(
    parts: Parts, degrees: float = 0.0, scale: float = 1.0, at: tuple[float, float] = (0.0, 0.0)
) -> Parts:
    """The parts rotated about the origin, scaled, then moved to `at`."""
    return [
        Part(
            np.add(turned(p.points, degrees) * scale, at), p.role, p.width * scale, p.form, p.edged
        )
        for p in parts
    ]


def _cut_corners(points: Points, times: int) -> Points:
    for _ in range(times):
        following = np.roll(points, -1, axis=0)
        cut = np.stack([0.75 * points + 0.25 * following, 0.25 * points + 0.75 * following], axis=1)
        points = cut.reshape(-1, 2)
    return points
