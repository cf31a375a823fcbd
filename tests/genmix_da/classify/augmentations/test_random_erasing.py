"""Random erasing: one box of the drawn size, torchvision's sizes, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torchvision.transforms import v2

from genmix_da.classify.augmentations import Augmentation
from genmix_da.classify.augmentations.drawing import DrawnFrom

Make = Callable[..., Augmentation]
ALWAYS = {"probability": 1}


def erased(make: Make, seed: int, pixels: np.ndarray, **options: Any) -> np.ndarray:
    augmentation = make("random-erasing", options=ALWAYS | options)
    return augmentation.picture(pixels, np.random.default_rng(seed))


def test_one_box_of_the_mean_and_the_rest_as_it_was(make: Make) -> None:
    pixels = np.zeros((32, 32, 3), np.uint8)
    for seed in range(20):
        changed = erased(make, seed, pixels, fill="mean").any(-1)
        rows, columns = np.nonzero(changed)
        height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert changed.sum() == height * width  # a full box
        # Sides are rounded to pixels.
        assert (height - 0.5) * (width - 0.5) / 1024 <= 0.33
        assert (height + 0.5) * (width + 0.5) / 1024 >= 0.02
    values = np.unique(erased(make, 0, pixels, fill="mean").reshape(-1, 3), axis=0)
    # ImageNet's mean in bytes.
    assert values.tolist() == [[0, 0, 0], [124, 116, 104]]


def test_a_box_that_is_fixed_by_its_limits(make: Make) -> None:
    """A quarter of 32 x 32 pixels, 4 times as high as wide: never fits; 1 by 1: 16 x 16."""
    pixels = np.full((32, 32, 3), 7, np.uint8)
    area = {"smallest": 0.25, "largest": 0.25, "fill": "mean"}
    square = (erased(make, 1, pixels, **area, flattest=1, tallest=1) != 7).any(-1)
    assert square.sum() == 256
    assert erased(make, 1, pixels, **area, flattest=4, tallest=4) is pixels
    high = (erased(make, 1, pixels, **area, flattest=2.25, tallest=2.25) != 7).any(-1)
    assert np.ptp(np.nonzero(high)[0]) + 1 == 24
    assert np.ptp(np.nonzero(high)[1]) + 1 == 11


def test_random_values_are_even_over_all_bytes(make: Make) -> None:
    pixels = np.full((128, 128, 3), 7, np.uint8)
    changed = erased(make, 2, pixels, smallest=0.3)
    box = changed[(changed != pixels).any(-1)].astype(float)
    assert box.mean() == pytest.approx(127.5, abs=2)
    assert box.std() == pytest.approx(np.sqrt((256**2 - 1) / 12), abs=2)
    assert abs(np.corrcoef(box.T)[0, 1]) < 0.05  # each channel by itself


def test_sizes_are_those_of_torchvision(make: Make) -> None:
    """The library's own boxes, drawn as often: same mean area, height and left edge."""
    draw = np.random.default_rng(0)
    augmentation: Any = make("random-erasing")
    ours = np.array(
        [
            (rows.stop - rows.start, columns.stop - columns.start, columns.start)
            for rows, columns in (augmentation.box(64, 64, draw) for _ in range(1500))
        ]
    )
    transform = v2.RandomErasing(p=1)
    with DrawnFrom(np.random.default_rng(1)):
        drawn = [transform.make_params([torch.zeros(3, 64, 64)]) for _ in range(1500)]
    theirs = np.array([(one["h"], one["w"], one["j"]) for one in drawn])
    for column in (0, 1, 2):
        error = np.sqrt((ours[:, column].var() + theirs[:, column].var()) / 1500)
        assert abs(ours[:, column].mean() - theirs[:, column].mean()) < 4 * error
    areas = [(boxes[:, 0] * boxes[:, 1]).mean() for boxes in (ours, theirs)]
    assert areas[0] == pytest.approx(areas[1], rel=0.05)


def test_half_of_the_views(make: Make, photo: Callable[..., np.ndarray]) -> None:
    augmentation, pixels, draw = make("random-erasing"), photo(), np.random.default_rng(3)
    kept = sum(augmentation.picture(pixels, draw) is pixels for _ in range(400))
    assert 160 < kept < 240
