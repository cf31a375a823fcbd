"""The six views of a picture."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lead.crops import VIEW_COUNT, six_views
from lead.views import ImageViews, Preprocessing


def picture(side: int) -> np.ndarray:
    return np.random.default_rng(side).integers(0, 256, (side, side, 3), dtype=np.uint8)


@pytest.mark.parametrize(("side", "size"), [(36, 32), (37, 32), (32, 32), (33, 32)])
def test_the_first_view_is_the_evaluation_view(side: int, size: int) -> None:
    preprocessing = Preprocessing((0, 0, 0), (1 / 255,) * 3, size, side)
    image = picture(side)
    wanted = ImageViews(image[np.newaxis], preprocessing, torch.device("cpu")).evaluation(
        slice(0, 1)
    )
    views = six_views(image, size)
    assert views.shape == (VIEW_COUNT, size, size, 3)
    assert np.array_equal(views[0], wanted[0].permute(1, 2, 0).round().numpy().astype(np.uint8))
    assert np.array_equal(views[1], views[0][:, ::-1])


def test_corners_are_crops_flipped_alternately() -> None:
    image = picture(40)
    views = six_views(image, 32)
    assert np.array_equal(views[2], image[:32, :32])
    assert np.array_equal(views[3], image[:32, 8:][:, ::-1])
    assert np.array_equal(views[4], image[8:, :32])
    assert np.array_equal(views[5], image[8:, 8:][:, ::-1])


@pytest.mark.parametrize("side", [32, 33, 34])
def test_without_room_the_corners_are_enlarged(side: int) -> None:
    views = six_views(picture(side), 32)
    assert len({view.tobytes() for view in views}) == VIEW_COUNT
    flat = np.full((32, 32, 3), 7, dtype=np.uint8)
    assert (six_views(flat, 32) == 7).all()


def test_the_smallest_picture() -> None:
    assert six_views(picture(2), 2).shape == (6, 2, 2, 3)
