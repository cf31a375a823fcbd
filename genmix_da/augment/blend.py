"""Join edit and original (GenMix, Eq. 4) and blend with a fractal (Eq. 5).

H = E * M + I * (1 - M), A = lambda * F + (1 - lambda) * H. For uint8 images both run on OpenCV's
integer kernels; each rounds once, and the result differs from the exact formula by at most 1 level.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from genmix_da.augment.masks import Mask

Pixels = NDArray[np.uint8]

LAMBDA = 0.20


def join(original: Pixels, edit: Pixels, mask: Mask) -> Pixels:
    """Eq. 4: the edit where the mask is 1, the original where it is 0.

    Args:
        original, edit: [H, W, 3] uint8.
        mask: [H, W] in [0, 1], the same for all channels.

    Returns:
        [H, W, 3] uint8.

    Raises:
        ValueError: the shapes differ.
    """
    if original.shape != edit.shape or original.shape[:2] != mask.shape:
        raise ValueError(
            f"original {original.shape}, edit {edit.shape} and mask {mask.shape} do not fit"
        )
    joined = cv2.blendLinear(
        np.ascontiguousarray(edit), np.ascontiguousarray(original), mask, np.float32(1.0) - mask
    )
    return np.asarray(joined, dtype=np.uint8)


def interpolate(hybrid: Pixels, fractal: Pixels, weight: float = LAMBDA) -> Pixels:
    """Eq. 5: weight * fractal + (1 - weight) * hybrid.

    Args:
        hybrid, fractal: [H, W, 3] uint8.
        weight: lambda, 0 <= lambda < 1; 0 returns the hybrid.

    Returns:
        [H, W, 3] uint8.

    Raises:
        ValueError: lambda out of range, or the shapes differ.
    """
    if not 0.0 <= weight < 1.0:
        raise ValueError(f"lambda must be at least 0 and below 1, not {weight}")
    if weight == 0.0:
        return hybrid
    if hybrid.shape != fractal.shape:
        raise ValueError(f"hybrid {hybrid.shape} and fractal {fractal.shape} do not fit")
    blended = cv2.addWeighted(fractal, weight, hybrid, 1.0 - weight, 0.0)
    return np.asarray(blended, dtype=np.uint8)
