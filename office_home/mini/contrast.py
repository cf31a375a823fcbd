"""Keeps an object visible: which ground brightness it stands out from."""

from __future__ import annotations

import numpy as np

from .palette import luminance
from .raster import Plane, blurred

_LEVELS = np.linspace(0.24, 0.78, 13).astype(np.float32)
_TOO_CLOSE = 0.21


def outstanding_levels(lit: Plane, mask: Plane) -> Plane:
    """Ground brightnesses that few pixels along the object's silhouette come close to.

    Args:
        lit: (S, S, 3) the finished object.
        mask: (S, S) 1 on the object.

    Returns:
        (N,) brightnesses in 0..1, N at least 1.
    """
    rim = (mask > 0) & (blurred(mask, 1.5) < 0.9)
    seen = luminance(lit[rim])[::7]
    if len(seen) == 0:
        return _LEVELS
    confused = np.mean(np.abs(seen[:, None] - _LEVELS) < _TOO_CLOSE, axis=0)
    chosen: Plane = _LEVELS[confused <= confused.min() + 0.06]
    return chosen


def at_brightness(picture: Plane, where: Plane, wanted: float) -> Plane:
    """The picture exposed so that its mean over the `where` mask is close to `wanted`.

    The change is a power curve, which keeps more of the contrast and colour than a plain scale.
    """
    mean = float((luminance(picture) * where).sum() / max(float(where.sum()), 1.0))
    power = np.log(wanted) / np.log(np.clip(mean, 0.02, 0.98))
    return np.clip(picture, 0.004, 1.0).astype(np.float32) ** np.float32(np.clip(power, 0.2, 4.0))
