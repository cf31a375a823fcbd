"""Brush strokes: repaints a finished scene in layers of short, oriented dabs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from .palette import luminance
from .raster import Plane, Raster, blurred, smooth_noise, to_bytes


@dataclass(frozen=True)
class _Brush:
    """Spacing, length and width of the strokes in finished pixels; spread of their colours."""

    step: float
    length: float
    width: float
    tint: float


_BROAD = _Brush(4.4, 14.0, 5.4, 0.08)
_MIDDLE = _Brush(3.0, 8.0, 3.4, 0.06)
_FINE = _Brush(1.8, 4.2, 1.8, 0.045)


def brushed(scene: Plane, raster: Raster, rng: np.random.Generator) -> tuple[Plane, Plane]:
    """Repaints a scene, broadly far from the object and finely on it.

    Args:
        scene: (S, S, 3) what to paint, in 0..1.
        raster: The object in it.
        rng: Source of the strokes.

    Returns:
        (S, S, 3) colours and (S, S) height of the paint, both in 0..1.
    """
    height = np.full(raster.labels.shape, 128, np.uint8)
    image = Image.fromarray(np.dstack([to_bytes(scene), height]))
    # RGBA drawing overwrites all four values, so the fourth can carry the height of the paint.
    pen = ImageDraw.Draw(image)
    flow = _flow(scene, raster, rng)
    near = blurred(raster.mask, 2.0)
    _lay(pen, scene, raster, flow, _BROAD, near < 0.2, rng)
    _lay(pen, scene, raster, flow, _MIDDLE, near < 0.65, rng)
    _lay(pen, scene, raster, flow, _FINE, near > 0.35, rng)
    result = np.asarray(image, dtype=np.float32) / 255
    return result[..., :3].copy(), result[..., 3]


def _flow(scene: Plane, raster: Raster, rng: np.random.Generator) -> Plane:
    """(S, S) stroke angle: along contours, and in slow swirls where there are none."""
    soft = blurred(luminance(scene) * 0.6 + raster.mask * 0.4, 1.0)
    down, right = np.gradient(soft)
    swirl = np.float32(rng.uniform(0, np.pi)) + smooth_noise(rng, 3, raster.side) * np.float32(2.2)
    pull = np.float32(0.006)
    angle: Plane = np.arctan2(right + pull * np.sin(swirl), -down + pull * np.cos(swirl))
    return angle


def _lay(
    pen: ImageDraw.ImageDraw,
    scene: Plane,
    raster: Raster,
    flow: Plane,
    brush: _Brush,
    where: NDArray[np.bool_],
    rng: np.random.Generator,
) -> None:
    step = brush.step * raster.scale
    axis = np.arange(step / 2, raster.side, step)
    grid = np.stack(np.meshgrid(axis, axis), axis=2).reshape(-1, 2)
    jittered = grid + rng.uniform(-step / 2, step / 2, grid.shape)
    spots = np.clip(jittered, 0, raster.side - 1).astype(np.intp)
    spots = rng.permutation(spots[where[spots[:, 1], spots[:, 0]]])
    # Details last: within a layer the parts are painted in the order they lie on each other.
    spots = spots[np.argsort(raster.labels[spots[:, 1], spots[:, 0]], kind="stable")]
    x, y = spots[:, 0], spots[:, 1]
    colours = scene[y, x] + rng.normal(0, brush.tint, (len(spots), 1))
    colours = colours + rng.normal(0, brush.tint / 2, colours.shape)
    fills = to_bytes(np.hstack([colours, rng.random((len(spots), 1))]))
    angle = flow[y, x] + rng.normal(0, 0.15, len(spots))
    reach = brush.length * raster.scale / 2 * rng.uniform(0.7, 1.2, len(spots))
    dx, dy = reach * np.cos(angle), reach * np.sin(angle)
    ends = np.stack([x - dx, y - dy, x + dx, y + dy], axis=1)
    thick = np.rint(brush.width * raster.scale * rng.uniform(0.7, 1.2, len(spots))).astype(int)
    for end, fill, width in zip(ends.tolist(), fills.tolist(), thick.tolist(), strict=True):
        pen.line(end, fill=tuple(fill), width=max(width, 1))
