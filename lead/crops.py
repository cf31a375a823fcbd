"""The six views of an image whose features are kept: something of crops and flips survives.

0  centre (the evaluation view)          3  top right, flipped
1  centre, flipped                       4  bottom left
2  top left                              5  bottom right, flipped
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

VIEW_COUNT = 6
# Part of every feature's key: another set of views is another name.
VIEW_SET = "centre and corners, flipped alternately, v1"


def corner_window(side: int, size: int) -> int:
    """Side of the corners' windows in a picture of that side, see `six_views`."""
    return size if side - size >= size // 8 else side * 7 // 8


def six_views(picture: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Views [6, S, S, 3] of a decoded picture [R, R, 3], R >= S.

    Where the picture is hardly larger than the crop (networks that see the whole image), the
    corners are windows of seven eighths of its side, enlarged: else they would all be the centre.

    Args:
        picture: resized to `resize_size`.
        size: S, the side of the network's input.
    """
    side = len(picture)
    middle = round((side - size) / 2.0)  # as in lead.views.ImageViews
    centre = picture[middle : middle + size, middle : middle + size]
    window = corner_window(side, size)
    end = side - window
    views = np.empty((VIEW_COUNT, size, size, 3), dtype=np.uint8)
    views[0], views[1] = centre, centre[:, ::-1]
    corners = ((0, 0), (0, end), (end, 0), (end, end))
    for place, (top, left) in enumerate(corners, start=2):
        crop = picture[top : top + window, left : left + window]
        if window != size:
            crop = np.asarray(cv2.resize(crop, (size, size), interpolation=cv2.INTER_CUBIC))
        views[place] = crop[:, ::-1] if place % 2 else crop
    return views
