"""Methods guided by saliency keep more of it than a box of CutMix does, on the same pairs."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from genmix_da.classify.augmentations import Augmentation
from genmix_da.classify.augmentations.guidedmixup import residual_map
from genmix_da.classify.augmentations.mixing import joined, mates
from genmix_da.classify.augmentations.network_mixing import shares
from genmix_da.classify.augmentations.snapmix import drawn_box

Make = Callable[..., Augmentation]
SIDE = 64
DRAWS = 12


def photographs() -> list[np.ndarray]:
    folder = os.environ.get("GENMIX_DA_OFFICE_CALTECH10")
    if not folder:
        return []
    files = sorted(Path(folder).glob("Amazon/*/*"))[::97][:8]
    return [cv2.imread(str(file))[..., ::-1] for file in files]


@pytest.fixture(params=["drawn", "photographs"])
def pixels(request: pytest.FixtureRequest) -> Tensor:
    """Eight pictures [8, 3, 64, 64] in [0, 1]."""
    found = photographs()
    if request.param == "drawn":  # grey with a bright patch
        draw = np.random.default_rng(0)
        found = [np.full((SIDE, SIDE, 3), 100, np.uint8) for _ in range(8)]
        for picture in found:
            row, column = draw.integers(4, SIDE - 12, 2)
            picture[row : row + 8, column : column + 8] = 250
    elif not found:
        pytest.skip("GENMIX_DA_OFFICE_CALTECH10 is not set")
    small = [cv2.resize(one, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for one in found]
    return torch.from_numpy(np.stack(small)).permute(0, 3, 1, 2).float() / 255


def boxed(saliency: Tensor, share: float, draw: np.random.Generator) -> Tensor:
    """What CutMix keeps of maps [B, S, S]."""
    own = torch.ones(SIDE, SIDE, dtype=torch.bool)
    own[drawn_box(share, SIDE, SIDE, draw)] = False
    return joined(saliency[:, None], own).sum((1, 2, 3))


def test_guidedmixup(make: Make, pixels: Tensor) -> None:
    saliency = shares(residual_map(pixels))
    augmentation: Any = make("guidedmixup", SIDE)
    carried = saliency[:, None].expand(-1, 3, -1, -1)
    kept, _ = augmentation._guided(carried, torch.eye(8, 5), saliency)
    draw = np.random.default_rng(0)
    boxes = [float(boxed(saliency, draw.beta(1, 1), draw).mean()) for _ in range(DRAWS)]
    # What a box covers in one image shows in the next: half of what a pair has, in the mean.
    assert boxes == pytest.approx([1.0] * DRAWS, abs=1e-5)
    assert float(kept[:, 0].sum((1, 2)).mean()) > 1.1


def kept_by_puzzle(
    augmentation: Any, saliency: Tensor, pixels: Tensor
) -> tuple[np.ndarray, np.ndarray]:
    """Saliency that masks keep without and with moving blocks, draw by draw; CutMix: 1."""
    draw = np.random.default_rng(0)
    carried = saliency[:, None].expand(-1, 3, -1, -1)
    kept = []
    for number in range(DRAWS):
        share, count = draw.beta(1, 1), (2, 4, 8, 16)[number % 4]
        mask = augmentation.mask(saliency, pixels, count, share)
        large = mask.repeat_interleave(SIDE // count, 1).repeat_interleave(SIDE // count, 2)
        for one, two in (
            (carried, mates(carried)),
            augmentation._transported(carried, saliency, mask),
        ):
            shown = large * one[:, 0] + (1 - large) * two[:, 0]
            kept.append(float(shown.sum((1, 2)).mean()))
    return np.array(kept[::2]), np.array(kept[1::2])


def test_masks_of_puzzlemix(make: Make, pixels: Tensor) -> None:
    mask, moved = kept_by_puzzle(make("puzzlemix", SIDE), shares(residual_map(pixels)), pixels)
    assert mask.mean() > 1.05
    assert np.all(moved >= mask - 1e-5)  # a way is taken only where it pays


def test_moved_blocks_of_puzzlemix(make: Make, pixels: Tensor) -> None:
    """What is salient lies in the middle of all: a mask alone has to choose."""
    places, draw = torch.arange(SIDE) + 0.5, np.random.default_rng(3)
    spots = []
    for row, column in SIDE / 2 + SIDE / 8 * draw.normal(size=(8, 2)):
        away = (places[:, None] - row) ** 2 + (places - column) ** 2
        spots.append(torch.exp(-away / (2 * (SIDE / 10) ** 2)))
    mask, moved = kept_by_puzzle(make("puzzlemix", SIDE), shares(torch.stack(spots)), pixels)
    assert mask.mean() > 1.3
    assert moved.mean() > mask.mean() + 0.04
