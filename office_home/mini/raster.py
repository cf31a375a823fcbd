"""From parts to pixels: which part each pixel of the oversized canvas belongs to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from .palette import Palette
from .parts import Part
from .pose import Placed

# Side of a finished image. Pictures in the making are a few times larger, (S, S) with S a multiple
# of it; lengths are given in finished pixels throughout, so that looks need not know the factor.
SIZE = 80

# Single precision wherever it is large; double where a small array is quicker left as it is.
Plane = NDArray[np.floating]
Labels = NDArray[np.uint8]

OUTLINE = 255


@dataclass(frozen=True)
class Raster:
    """An object drawn on the canvas.

    Attributes:
        labels: (S, S) number of the part on top, from 1; 0 is background and
            `OUTLINE` the drawn contour, if any.
        placed: The object that was drawn.
    """

    labels: Labels
    placed: Placed

    @property
    def side(self) -> int:
        """S, the side of the oversized picture."""
        return int(self.labels.shape[0])

    @property
    def scale(self) -> int:
        """How many of its pixels, along a side, make one finished pixel."""
        return self.side // SIZE

    @property
    def mask(self) -> Plane:
        """(S, S) 1 on the object and 0 elsewhere."""
        return (self.labels > 0).astype(np.float32)

    def flat_colours(self, palette: Palette, background: NDArray[np.float32]) -> Plane:
        """(S, S, 3) every part in the plain colour of its role.

        Args:
            palette: Role -> (3,) colour.
            background: (3,) colour where there is no part.
        """
        table = np.zeros((256, 3), dtype=np.float32)
        table[0] = background
        for number, part in enumerate(self.placed.parts, start=1):
            table[number] = palette[part.role]
        table[OUTLINE] = palette.get("outline", table[0])
        return table[self.labels]


def rasterise(placed: Placed, scale: int, outline: float = 0.0) -> Raster:
    """Draws the parts in order, later ones on top.

    Args:
        placed: The object in frame coordinates.
        scale: How many pixels, along a side, to draw for each finished one.
        outline: Thickness of the contour around each part, in finished pixels; 0 for none.
    """
    side = SIZE * scale
    image = Image.new("L", (side, side), 0)
    pen = ImageDraw.Draw(image)
    rim = outline * scale
    for number, part in enumerate(placed.parts, start=1):
        points = part.points * side
        edged = rim > 0 and part.edged
        if part.width > 0:
            thick = max(part.width * side, 0.7 * scale)
            if edged:
                _stroke(pen, points, thick + 1.6 * rim, OUTLINE)
            _stroke(pen, points, thick, number)
        else:
            pen.polygon([tuple(p) for p in points.tolist()], fill=number)
            if edged:
                _stroke(pen, np.concatenate([points, points[:2]]), rim, OUTLINE)
    return Raster(np.asarray(image), placed)


def to_tile(canvas: Plane) -> Image.Image:
    """The SIZE x SIZE RGB image of a (S, S, 3) picture with values in 0..1."""
    return Image.fromarray(to_bytes(canvas)).resize((SIZE, SIZE), Image.Resampling.BOX)


def to_bytes(values: Plane) -> NDArray[np.uint8]:
    """0..1 values as 0..255 integers, clipped and rounded."""
    return (np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8)


def blurred(plane: Plane, radius: float) -> Plane:
    """A (S, S) or (S, S, 3) picture in 0..1 after a Gaussian blur of `radius` finished pixels."""
    spread = ImageFilter.GaussianBlur(radius * plane.shape[0] / SIZE)
    soft = Image.fromarray(to_bytes(plane)).filter(spread)
    return np.asarray(soft, dtype=np.float32) / 255


def enlarged(picture: Plane, side: int) -> Plane:
    """(side, side, 3) version of a smaller square picture in 0..1."""
    image = Image.fromarray(to_bytes(picture)).resize((side, side), Image.Resampling.BILINEAR)
    return np.asarray(image, dtype=np.float32) / 255


def smooth_noise(rng: np.random.Generator, cells: int, side: int) -> Plane:
    """(side, side) soft random hills in 0..1, about `cells` of them along each side."""
    coarse = Image.fromarray(rng.random((cells + 1, cells + 1), dtype=np.float32))
    return np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC))


def grid(side: int) -> tuple[Plane, Plane]:
    """Frame coordinates of a square picture: (1, side) x and (side, 1) y, both from 0 to 1."""
    axis = ((np.arange(side) + 0.5) / side).astype(np.float32)
    return axis[None, :], axis[:, None]


def _stroke(pen: ImageDraw.ImageDraw, points: NDArray[np.float64], width: float, fill: int) -> None:
    path = [tuple(p) for p in points.tolist()]
    pen.line(path, fill=fill, width=max(round(width), 1), joint="curve")
    half = width / 2
    for x, y in (path[0], path[-1]):
        pen.ellipse((x - half, y - half, x + half, y + half), fill=fill)


def part_extent(part: Part) -> tuple[float, float, float, float]:
    """(centre x, centre y, half width, half height) of a part in its own coordinates."""
    low = part.points.min(axis=0) - part.width / 2
    high = part.points.max(axis=0) + part.width / 2
    centre, half = (low + high) / 2, np.maximum((high - low) / 2, 1e-3)
    return float(centre[0]), float(centre[1]), float(half[0]), float(half[1])
