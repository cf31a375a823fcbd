"""Smooth masks that say where the edit shows and where the original (GenMix, Eq. 4).

A mask is float32 [H, W] in [0, 1]: 1 shows the edit, 0 the original. Seams run through the middle:
[zeros | linear ramp of width b | ones] along the width (vertical seam) or the height (horizontal
seam); the flipped kinds are 1 minus that, which is Eq. 6 as printed. PatchSwap exchanges square
patches; the paper gives neither size nor number, so ours are settings: a grid of `patches` x
`patches` cells, half of them from the edit, the other half in the flipped draw.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.float32]

SEAM_KINDS = ("vertical", "horizontal", "vertical-flipped", "horizontal-flipped")
MASK_KINDS = (*SEAM_KINDS, "patchswap")
SEAM_WIDTH = 20
PATCHES = 4


def ramp(length: int, width: float) -> NDArray[np.float32]:
    """Zeros, a linear ramp of `width` pixels around the middle, ones: [length].

    Pixel centres lie at i + 1/2. A ramp wider than the image is cut at its ends, width 0 is a step.

    Raises:
        ValueError: length below 1 or width below 0.
    """
    if length < 1 or width < 0:
        raise ValueError(f"a ramp needs length >= 1 and width >= 0, not {length} and {width}")
    distance = np.arange(length, dtype=np.float64) + 0.5 - length / 2
    if width == 0:
        return (distance >= 0).astype(np.float32)
    return np.clip(distance / width + 0.5, 0.0, 1.0).astype(np.float32)


@lru_cache(maxsize=64)
def seam_mask(kind: str, height: int, width: int, seam_width: float = SEAM_WIDTH) -> Mask:
    """A seam mask [H, W]; read-only, as it is shared.

    Args:
        kind: one of SEAM_KINDS.
        height, width: of the image, in pixels.
        seam_width: b, in pixels.

    Raises:
        ValueError: unknown kind.
    """
    if kind not in SEAM_KINDS:
        raise ValueError(f"unknown seam {kind!r}; choose one of {', '.join(SEAM_KINDS)}")
    if kind.startswith("vertical"):
        mask = np.tile(ramp(width, seam_width)[None, :], (height, 1))
    else:
        mask = np.tile(ramp(height, seam_width)[:, None], (1, width))
    if kind.endswith("flipped"):
        mask = np.float32(1.0) - mask
    mask.flags.writeable = False
    return mask


def patchswap_mask(
    height: int,
    width: int,
    draw: np.random.Generator,
    *,
    patches: int = PATCHES,
    seam_width: float = SEAM_WIDTH,
) -> Mask:
    """Half of the cells of a grid show the edit, with smooth edges: [H, W].

    Which half is drawn; with an odd number of cells the extra one goes either way, so that edit and
    original are treated alike.

    Args:
        height, width: of the image, in pixels.
        draw: random generator.
        patches: cells along each side; fewer where the image has fewer pixels.
        seam_width: width of the ramp between unlike cells, in pixels; at most a cell.

    Raises:
        ValueError: patches below 2.
    """
    if patches < 2:
        raise ValueError(f"patchswap needs at least 2 patches along a side, not {patches}")
    rows, columns = min(patches, height), min(patches, width)
    cells = rows * columns
    from_edit = cells // 2 + (draw.integers(2) if cells % 2 else 0)
    grid = np.zeros(cells, dtype=np.float32)
    grid[draw.permutation(cells)[:from_edit]] = 1.0
    mask = cv2.resize(grid.reshape(rows, columns), (width, height), interpolation=cv2.INTER_NEAREST)
    # A box filter of width b turns each step into a linear ramp of width b.
    blur_y = _odd(min(seam_width, height / rows))
    blur_x = _odd(min(seam_width, width / columns))
    smooth = cv2.blur(mask, (blur_x, blur_y), borderType=cv2.BORDER_REPLICATE)
    return np.clip(smooth, 0.0, 1.0).reshape(height, width).astype(np.float32, copy=False)


def _odd(size: float) -> int:
    """The odd kernel size nearest to a width in pixels, at least 1."""
    return max(2 * int(size / 2) + 1, 1)


def draw_kind(kinds: tuple[str, ...], draw: np.random.Generator) -> str:
    """One of the kinds, with equal chance.

    Raises:
        ValueError: no kinds.
    """
    if not kinds:
        raise ValueError("at least one mask kind is needed")
    return kinds[int(draw.integers(len(kinds)))]


def draw_mask(
    kinds: tuple[str, ...],
    height: int,
    width: int,
    draw: np.random.Generator,
    *,
    seam_width: float = SEAM_WIDTH,
    patches: int = PATCHES,
) -> tuple[str, Mask]:
    """Draw one of the kinds with equal chance, and its mask.

    Returns:
        (kind, mask [H, W]).

    Raises:
        ValueError: no kinds, or an unknown one.
    """
    kind = draw_kind(kinds, draw)
    if kind == "patchswap":
        mask = patchswap_mask(height, width, draw, patches=patches, seam_width=seam_width)
        return kind, mask
    return kind, seam_mask(kind, height, width, seam_width)
