"""Where the object is and how it is turned: one projective warp for all of its parts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .parts import ObjectSpec, Parts, Points

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Placed:
    """An object in the frame.

    Attributes:
        parts: The parts in frame coordinates, 0 to 1 in x (right) and y (down).
        inverse: (3, 3) projective map from frame coordinates back to the object's own.
        unit_parts: The same parts before the warp, in the object's own coordinates.
        extent: (left, top, right, bottom) of the object in frame coordinates.
    """

    parts: Parts
    inverse: Matrix
    unit_parts: Parts
    extent: tuple[float, float, float, float]


def place(spec: ObjectSpec, rng: np.random.Generator) -> Placed:
    """Builds one object and warps it into the unit frame at a random pose.

    Args:
        spec: The class's builder and its limits on tilt and mirroring.
        rng: Source of all proportions and of the pose.

    Returns:
        The object, its longer side covering 68 to 90 % of the frame.
    """
    unit = spec.build(rng)
    angle = np.radians(rng.uniform(-spec.tilt, spec.tilt))
    mirror = -1.0 if spec.flip and rng.random() < 0.5 else 1.0
    stretch = rng.uniform(0.9, 1.12)
    shear = rng.uniform(-0.1, 0.1)
    tip, turn = rng.uniform(-0.1, 0.1, 2)
    c, s = np.cos(angle), np.sin(angle)
    lens = np.asarray([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [turn, tip, 1.0]])
    spin = np.asarray([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    own = np.asarray([[mirror * stretch, shear, 0.0], [0.0, 1.0 / stretch, 0.0], [0.0, 0.0, 1.0]])
    matrix = lens @ spin @ own

    warped = [_apply(matrix, part.points) for part in unit]
    low = np.min([w.min(axis=0) - p.width / 2 for w, p in zip(warped, unit, strict=True)], axis=0)
    high = np.max([w.max(axis=0) + p.width / 2 for w, p in zip(warped, unit, strict=True)], axis=0)
    # A thin thing may fill more of the frame, or it would hardly be seen.
    thinness = 1 - float((high - low).min() / (high - low).max())
    size = rng.uniform(0.68 + 0.14 * thinness, 0.9) / float((high - low).max())
    room = 0.96 - size * (high - low)
    corner = 0.02 + room * (0.5 + rng.uniform(-0.4, 0.4, 2))
    fit = np.asarray(
        [
            [size, 0.0, corner[0] - size * low[0]],
            [0.0, size, corner[1] - size * low[1]],
            [0.0, 0.0, 1.0],
        ]
    )
    parts = [
        replace(part, points=w * size + fit[:2, 2], width=part.width * size)
        for part, w in zip(unit, warped, strict=True)
    ]
    far = corner + size * (high - low)
    extent = (float(corner[0]), float(corner[1]), float(far[0]), float(far[1]))
    return Placed(parts, _inverted(fit @ matrix), unit, extent)


def _apply(matrix: Matrix, points: Points) -> Points:
    x, y = points[:, 0], points[:, 1]
    depth = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2]
    across = (matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2]) / depth
    down = (matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2]) / depth
    return np.stack([across, down], axis=1)


def _inverted(matrix: Matrix) -> Matrix:
    # Written out: a linear algebra library may round differently from machine to machine.
    a, b, c = matrix
    minors: Matrix = np.stack([np.cross(b, c), np.cross(c, a), np.cross(a, b)], axis=1)
    return np.asarray(minors / np.dot(a, minors[:, 0]), dtype=np.float64)
