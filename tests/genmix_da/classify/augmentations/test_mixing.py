"""The methods that mix a batch: pixels and labels by the formulas of their papers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from genmix_da.classify.augmentations import Augmentation
from genmix_da.classify.augmentations.fmix import frequency_mask
from genmix_da.classify.augmentations.gridmix import grid_mask
from genmix_da.classify.augmentations.saliencymix import peaks, saliency, shrunk
from genmix_da.classify.augmentations.smoothmix import round_mask

Make = Callable[..., Augmentation]
Constants = tuple[Tensor, Tensor]

# Every pixel of the mixture comes from one of the pair.
CUTTING = ("cutmix", "resizemix", "fmix", "gridmix", "saliencymix")
SEEDS = range(12)


def mix(augmentation: Augmentation, batch: Constants, seed: int) -> tuple[Tensor, Tensor]:
    return augmentation.batch(*batch, np.random.default_rng(seed))


@pytest.mark.parametrize("name", CUTTING)
def test_the_label_weight_is_the_area(name: str, make: Make, constants: Constants) -> None:
    """Row 0 is image 1 and its partner image 3: count the pixels of each."""
    shares = []
    for seed in SEEDS:
        images, labels = mix(make(name), constants, seed)
        first = images[0, 0]
        own, partner = (first == 1.0), (first - 3.0).abs() < 1e-5
        assert torch.all(own | partner)
        share = own.double().mean().item()
        assert labels[0, 0].item() == pytest.approx(share, abs=1e-6)
        assert labels[0, 2].item() == pytest.approx(1 - share, abs=1e-6)
        shares.append(share)
    assert np.ptp(shares) > 0.3


@pytest.mark.parametrize("name", ["mixup", "smoothmix"])
def test_the_label_weight_is_the_mean_value(name: str, make: Make, constants: Constants) -> None:
    """A blend of 1 and 3 with mean share s of the own image has mean 3 - 2 s."""
    for seed in SEEDS:
        images, labels = mix(make(name), constants, seed)
        share = (3 - images[0].double().mean().item()) / 2
        assert labels[0, 0].item() == pytest.approx(share, abs=1e-5)
        assert labels[0].sum().item() == pytest.approx(1, abs=1e-6)


def test_mixup_is_its_formula(make: Make, batch: Any) -> None:
    images, weights = batch(6)
    mixed, labels = mix(make("mixup"), (images, weights), 4)
    # lambda from the labels, then the pixels by the paper's equation.
    partner = torch.roll(weights, 1, 0)
    share = ((labels - partner) / (weights - partner)).median()
    assert 0 < share < 1
    assert torch.allclose(labels, share * weights + (1 - share) * partner, atol=1e-5)
    expected = share * images + (1 - share) * torch.roll(images, 1, 0)
    assert torch.allclose(mixed, expected, atol=1e-4)


@pytest.mark.parametrize("name", ["mixup", "fmix", "gridmix"])
def test_alpha_decides_how_far_apart_the_shares_are(
    name: str, make: Make, constants: Constants
) -> None:
    spread = {}
    for alpha in (0.05, 50.0):
        augmentation = make(name, options={"alpha": alpha})
        shares = [mix(augmentation, constants, seed)[1][0, 0].item() for seed in range(40)]
        spread[alpha] = np.std(shares)
    assert spread[0.05] > 0.35
    assert spread[50.0] < 0.2


def test_resizemix_shows_the_whole_partner(make: Make) -> None:
    """A partner with a bright left half: its small copy has one too."""
    images = torch.zeros(2, 3, 32, 32)
    images[1, :, :, :16] = 10.0
    images[1, :, :, 16:] = 5.0
    options = {"smallest": 0.5, "largest": 0.5}
    mixed, labels = mix(make("resizemix", options=options), (images, torch.eye(2, 5)), 0)
    rows, columns = (mixed[0, 0] > 0).nonzero(as_tuple=True)
    assert (len(rows.unique()), len(columns.unique())) == (16, 16)
    left, top = int(columns.min()), int(rows.min())
    assert torch.all(mixed[0, 0, top : top + 16, left : left + 6] > 9)
    assert torch.all(mixed[0, 0, top : top + 16, left + 10 : left + 16] < 6)
    assert labels[0].tolist() == [0.75, 0.25, 0, 0, 0]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.93, 1.0])
def test_fmix_mask_has_the_mean_that_was_asked_for(share: float) -> None:
    for seed in range(5):
        mask = frequency_mask(share, 33, 40, 3.0, np.random.default_rng(seed))
        assert mask.shape == (33, 40)
        assert abs(mask.mean() - share) <= 0.5 / mask.size + 1e-12


def test_fmix_masks_are_regions_and_without_decay_they_are_dust() -> None:
    def edges(decay: float) -> float:
        masks = [frequency_mask(0.5, 32, 32, decay, np.random.default_rng(n)) for n in range(8)]
        return float(np.mean([np.mean(mask[:, 1:] != mask[:, :-1]) for mask in masks]))

    assert edges(3.0) < 0.12
    assert edges(0.0) > 0.4


def test_gridmix_share_is_that_of_cells(make: Make, constants: Constants) -> None:
    for seed in SEEDS:
        images, labels = mix(make("gridmix", options={"cells": 4}), constants, seed)
        cells = images[0, 0].reshape(4, 8, 4, 8)
        # One value in a cell.
        assert torch.equal(cells.amax((1, 3)), cells.amin((1, 3)))
        assert labels[0, 0].item() == (cells[:, 0, :, 0] == 1).sum().item() / 16


def test_gridmix_cells_differ_by_a_pixel_at_most() -> None:
    cells = np.eye(3, dtype=bool)
    mask = grid_mask(cells, 10, 11)
    assert mask.shape == (10, 11)
    heights = [int(mask[:, column].sum()) for column in (0, 5, 10)]
    assert sum(heights) == 10
    assert max(heights) - min(heights) <= 1


def test_smoothmix_weight_is_the_mean_of_the_mask(make: Make, constants: Constants) -> None:
    images, labels = mix(make("smoothmix"), constants, 3)
    mask = (images[0, 0] - 1) / 2  # share of the partner
    assert labels[0, 2].item() == pytest.approx(mask.double().mean().item(), abs=1e-5)
    # Highest at one place and smooth everywhere.
    assert mask.max() > 0.99
    assert (mask[:, 1:] - mask[:, :-1]).abs().max() < 0.1


def test_smoothmix_mask_falls_with_the_distance() -> None:
    mask = round_mask((8.5, 20.5), 4.0, 32, 40)
    assert mask.argmax() == 8 * 40 + 20
    assert mask.max() == 1
    assert mask[8, 24] == pytest.approx(np.exp(-0.5))
    assert mask[12, 20] == pytest.approx(np.exp(-0.5))


def spotted(places: list[tuple[int, int]], size: int = 64) -> Tensor:
    """Grey images with grain and one bright spot each."""
    random = torch.Generator().manual_seed(0)
    images = 0.05 * torch.randn(len(places), 3, size, size, generator=random)
    for image, (row, column) in zip(images, places, strict=True):
        image[:, row - 3 : row + 3, column - 3 : column + 3] += 3.0
    return images


@pytest.mark.parametrize("size", [48, 64, 160])
def test_saliency_finds_what_stands_out(size: int) -> None:
    places = [(size // 4, size // 3), (size // 2, 3 * size // 4)]
    images = spotted(places, size)
    maps = saliency(shrunk(images))
    assert maps.shape[1:] == (min(size, 64), min(size, 64))
    found = peaks(maps, size, size)
    for place, peak in zip(places, found.tolist(), strict=True):
        assert np.hypot(place[0] - peak[0], place[1] - peak[1]) < 6


def test_saliency_is_that_of_hou_and_zhang() -> None:
    """The same formula with numpy, without blur, on one image; then blurred alike."""
    grey = spotted([(20, 40)])[0].mean(0).numpy().astype(np.float64)
    spectrum = np.fft.fft2(grey)
    amplitude = np.log(np.abs(spectrum) + 1e-8)
    around = sum(
        np.roll(amplitude, (down, right), (0, 1)) for down in (-1, 0, 1) for right in (-1, 0, 1)
    )
    residual = np.exp(amplitude - around / 9 + 1j * np.angle(spectrum))
    expected = np.abs(np.fft.ifft2(residual)) ** 2
    reach = np.arange(-8, 9)
    kernel = np.exp(-(reach**2) / (2 * 2.5**2))
    kernel /= kernel.sum()
    for axis in (0, 1):
        expected = np.apply_along_axis(np.convolve, axis, expected, kernel, mode="same")
    found = saliency(spotted([(20, 40)]))[0].numpy()
    assert np.allclose(found, expected, rtol=1e-3, atol=1e-4 * expected.max())


def test_saliencymix_pastes_around_the_peak_of_the_partner(make: Make) -> None:
    """Each image of the batch has its spot elsewhere; the box of the partner holds it."""
    places = [(16, 16), (16, 48), (48, 32)]
    images = spotted(places)
    held = 0
    for seed in range(6):
        mixed, labels = mix(make("saliencymix", 64), (images, torch.eye(3, 5)), seed)
        for row in range(3):
            pasted = (mixed[row] != images[row]).any(0)
            if labels[row].max() > 0.95:
                continue  # a box this small may miss a peak that is found two pixels off
            held += 1
            down, right = places[row - 1]
            assert pasted[down, right]
            assert torch.equal(mixed[row][:, pasted], images[row - 1][:, pasted])
    assert held >= 9


def test_batches_of_half_precision_stay_so(make: Make, batch: Any) -> None:
    images, weights = batch()
    for name in ("mixup", "smoothmix", *CUTTING):
        mixed, labels = mix(make(name), (images.to(torch.bfloat16), weights), 2)
        assert mixed.dtype == torch.bfloat16, name
        assert labels.dtype == torch.float32
