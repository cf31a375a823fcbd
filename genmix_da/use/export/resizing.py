"""Resizing as Pillow does it, in operations that every export format has.

A picture is resized along its width, rounded to whole values, then along its height: each time a
product with a matrix of filter weights, which widen where the picture shrinks. Weights are whole
multiples of 2^-22, so that every sum is exact in float64 and the values are Pillow's. From version
13 on Pillow begins with the height where that shrinks by more than twice as many pixels as the
width.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

Kernel = Callable[[Tensor], Tensor]
_UNIT = 2.0**22


def _triangle(distance: Tensor) -> Tensor:
    return (1.0 - distance).clamp(min=0.0)


def _cubic(steepness: float) -> Kernel:
    """Keys' kernel; "Cubic Convolution Interpolation", IEEE Trans. ASSP 1981."""
    a = steepness

    def kernel(distance: Tensor) -> Tensor:
        near = ((a + 2.0) * distance - (a + 3.0)) * distance * distance + 1.0
        far = ((a * distance - 5.0 * a) * distance + 8.0 * a) * distance - 4.0 * a
        zero = torch.zeros_like(distance)
        return torch.where(distance < 1.0, near, torch.where(distance < 2.0, far, zero))

    return kernel


# Pillow's filters: kernel and the distance at which it ends.
FILTERS: dict[str, Kernel] = {"bilinear": _triangle, "bicubic": _cubic(-0.5)}


def weights(length: int, side: int, interpolation: str) -> Tensor:
    """[S, L] float64: what each of S values takes of L pixels, in multiples of 2^-22.

    Args:
        length: L; a number of the picture's shape may be one that the export keeps open.
        side: S.
        interpolation: a key of FILTERS.
    """
    places = torch.arange(length, dtype=torch.float64) + 0.5
    # Not from the shape: formats would divide it in float32.
    scale = (places[-1] + 0.5) / side
    width = scale.clamp(min=1.0)
    centres = (torch.arange(side, dtype=torch.float64) + 0.5) * scale
    distance = (places[None, :] - centres[:, None]).abs() / width
    found = FILTERS[interpolation](distance)
    found = found / found.sum(dim=1, keepdim=True) * _UNIT
    return torch.where(found < 0, (found - 0.5).ceil(), (found + 0.5).floor())


def _whole(sums: Tensor) -> Tensor:
    """Sums of whole values times weights of `weights`, as whole values."""
    return ((sums + _UNIT / 2) / _UNIT).floor().clamp(0.0, 255.0)


def resized(pictures: Tensor, side: int, interpolation: str, *, tall_first: bool = True) -> Tensor:
    """Pictures [N, 3, H, W] of whole values as [N, 3, S, S].

    Args:
        pictures: all of one size.
        side: S.
        interpolation: a key of FILTERS.
        tall_first: as Pillow does it from version 13 on.
    """
    given = pictures.double()
    across = weights(pictures.shape[3], side, interpolation)
    down = weights(pictures.shape[2], side, interpolation)
    usual = _whole(down @ _whole(given @ across.T))
    if not tall_first:
        return usual.float()
    other = _whole(_whole(down @ given) @ across.T)
    # Both are computed: a branch on the shape would fix it in most formats.
    height, width = (torch.ones(()) * pictures.shape[place] - side for place in (2, 3))
    return torch.where((height > 0) & (height > 2 * width), other, usual).float()


def pillow_is_tall_first() -> bool:
    """Whether the Pillow that is installed begins with the height of tall pictures."""
    noise = np.random.default_rng(0).integers(0, 256, (90, 30, 3), dtype=np.uint8)
    expected = np.asarray(Image.fromarray(noise).resize((20, 20), Image.Resampling.BICUBIC))
    given = torch.from_numpy(noise).permute(2, 0, 1).unsqueeze(0).float()
    off = [
        np.abs(
            resized(given, 20, "bicubic", tall_first=first)[0].permute(1, 2, 0).numpy() - expected
        )
        for first in (False, True)
    ]
    return bool(off[1].sum() < off[0].sum())


class Enlarge(nn.Module):
    """Windows [N, 3, L, L] to [N, 3, S, S] as OpenCV's bicubic enlarges them.

    Args:
        length, side: L and S, L < S.
    """

    matrix: Tensor

    def __init__(self, length: int, side: int) -> None:
        super().__init__()
        centres = (torch.arange(side, dtype=torch.float64) + 0.5) * length / side - 0.5
        # Beyond the border its outermost pixel is repeated: its weights are added up.
        taps = centres.floor()[:, None] + torch.arange(-1, 3, dtype=torch.float64)
        found = _cubic(-0.75)((taps - centres[:, None]).abs())
        matrix = torch.zeros(side, length, dtype=torch.float64)
        matrix.scatter_add_(1, taps.clamp(0, length - 1).long(), found)
        self.register_buffer("matrix", matrix.float())

    def forward(self, windows: Tensor) -> Tensor:
        """See the class; whole values."""
        return (self.matrix @ windows @ self.matrix.T + 0.5).floor().clamp(0.0, 255.0)
