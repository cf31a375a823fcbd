"""Co-Mixup: labels that no swap betters, a price for outputs alike, and what comes of both."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch

from genmix_da.classify.augmentations import Augmentation
from genmix_da.classify.augmentations.comixup import compatibility
from genmix_da.classify.augmentations.diverse_masks import (
    Weights,
    borders,
    diverse_masks,
    parted,
)
from genmix_da.classify.augmentations.swap_moves import energy, swapped_labels
from genmix_da.errors import UserError
from quarters import Quarters

pytest.importorskip("maxflow")

Make = Callable[..., Augmentation]
PUBLISHED = {"beta": 0.32, "gamma": 1.0, "eta": 0.05, "alpha": 2.0, "threshold": 0.83, "rounds": 4}


def peaked(count: int, seed: int = 0) -> np.ndarray:
    """Saliency of 4 by 4 blocks."""
    found = np.random.default_rng(seed).random((count, 4, 4)) ** 3
    return np.asarray(found / found.sum((1, 2), keepdims=True))


def masks_of(saliency: np.ndarray, seed: int = 0, **changed: Any) -> np.ndarray:
    weights = Weights(**(PUBLISHED | changed))
    return diverse_masks(saliency, np.eye(len(saliency)), weights, np.random.default_rng(seed))


def test_a_swap_by_hand() -> None:
    """Two blocks, each cheapest with its own label: one label for both costs 1, a border 0.8."""
    unary = np.array([[[0.0, 1.0, 9.0], [1.0, 0.0, 9.0]]])
    pairs = 1 - np.eye(3)
    assert swapped_labels(unary, 0.8 * pairs).tolist() == [[0, 1]]
    found = swapped_labels(unary, 1.2 * pairs)[0]
    assert found[0] == found[1] != 2
    assert energy(np.array([[0, 1]]), unary, 0.8 * pairs) == pytest.approx(0.8)
    assert energy(np.array([[2, 0]]), unary, 0.8 * pairs) == pytest.approx(10.8)


def test_no_exchange_of_two_labels_is_better() -> None:
    draw = np.random.default_rng(0)
    for _ in range(5):
        unary, pairs = draw.random((2, 3, 3)), 0.3 * (1 - np.eye(3))
        found = swapped_labels(unary, pairs)
        least = energy(found, unary, pairs)
        for first, second in ((0, 1), (0, 2), (1, 2)):
            among = np.isin(found, (first, second))
            for chosen in product((first, second), repeat=int(among.sum())):
                other = found.copy()
                other[among] = chosen
                assert energy(other, unary, pairs) >= least - 1e-9
        every = (np.reshape(one, (2, 3)) for one in product(range(3), repeat=6))
        assert least <= 1.02 * min(energy(one, unary, pairs) for one in every)


def test_borders_of_halves() -> None:
    """Images 0, 1, 2 and the halves 01 and 02."""
    halves = np.array([[0.5, 0.5, 0], [0.5, 0, 0.5]])
    assert borders(np.concatenate([np.eye(3), halves])).tolist() == [
        [0, 1, 1, 0.25, 0.25],
        [1, 0, 1, 0.25, 1],
        [1, 1, 0, 1, 0.25],
        [0.25, 0.25, 1, 0, 1],
        [0.25, 1, 0.25, 1, 0],
    ]


def test_outputs_of_the_same_images_are_parted() -> None:
    shown = np.array([[1, 0, 1], [1, 0, 1], [0, 1, 0], [0, 1, 0]], dtype=bool)
    price = parted(shown)
    assert price.tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]]


def test_two_images_that_are_salient_apart() -> None:
    """The one above, the other below: both outputs show both, without a price each its own half."""
    saliency = np.zeros((2, 4, 4))
    saliency[0, :2] = saliency[1, 2:] = 1 / 8
    for mask in masks_of(saliency, eta=0, gamma=0):
        assert mask[:2, :, 0].tolist() == np.ones((2, 4)).tolist()
        assert mask[2:, :, 1].tolist() == np.ones((2, 4)).tolist()


def test_diversity_has_its_price() -> None:
    """One image that outshines all others at every place: with gamma others are shown too."""
    saliency = np.full((4, 4, 4), 1 / 16)
    saliency[0] += 1e-3
    alone = masks_of(saliency, gamma=0, eta=0)
    assert np.all(alone[..., 0] == 1)
    shared = masks_of(saliency, eta=0).sum((0, 1, 2))
    assert shared.min() > 8  # of 16 blocks' worth each


def test_masks_are_shares_and_every_image_is_shown() -> None:
    kept, most = [], []
    for seed in range(3):
        masks = masks_of(peaked(10, seed), seed)
        assert set(np.unique(masks)) == {0.0, 0.5, 1.0}
        assert np.all(masks.sum(-1) == 1)
        assert masks.sum((0, 1, 2)).min() > 4
        kept.append(np.einsum("ohwi,ihw->", masks, peaked(10, seed)) / 10)
        most.append((masks.sum((1, 2)) > 0).sum(1).max())
    assert min(kept) > 1.3  # CutMix: 1
    assert max(most) >= 3  # more than pairs


def test_the_parts_of_the_objective() -> None:
    """More smoothness, fewer borders; a later round is no worse than the first."""

    def edges(masks: np.ndarray) -> float:
        return float(np.abs(np.diff(masks, axis=1)).sum() + np.abs(np.diff(masks, axis=2)).sum())

    rough, smooth = masks_of(peaked(8), beta=0.01), masks_of(peaked(8), beta=2.0)
    assert edges(smooth) < 0.6 * edges(rough)


def test_compatibility_by_hand() -> None:
    """Peaks 8 columns apart, and at one place."""
    saliency = torch.zeros(3, 16, 16)
    saliency[0, 3, 3], saliency[1, 3, 11], saliency[2, 3, 3] = 1.0, 1.0, 1.0
    apart = compatibility(saliency, 1.0)
    assert apart.sum() == pytest.approx(3)
    assert apart[0].tolist() == [0, pytest.approx(0.75), 0]
    assert compatibility(saliency, 0.0).tolist() == np.eye(3).tolist()
    assert compatibility(saliency[:1], 0.5).tolist() == [[0.5]]


@pytest.mark.parametrize("size", [17, 32])
def test_pixels_and_labels_are_those_of_the_masks(size: int, make: Make) -> None:
    """Images of one value each; labels are counted from the pixels of the mixture."""
    values = torch.tensor([0.0, 1.0, 10.0, 100.0])
    images = values.view(4, 1, 1, 1).expand(4, 3, size, size)
    network, labels = Quarters(), torch.eye(4, 5)
    shown = set()
    for seed in range(4):
        draw = np.random.default_rng(seed)
        _, mixed = make("comixup", size).forward(network, images, labels, draw)
        for row in range(4):
            assert float(network.images[row, 0].double().mean()) == pytest.approx(
                float(mixed[row, :4].double() @ values.double()), abs=1e-3
            )
            assert float(mixed[row].sum()) == pytest.approx(1, abs=1e-6)
            shown.add(int((mixed[row] > 0).sum()))
    assert max(shown) >= 2


def test_a_large_batch_is_divided(make: Make, batch: Any) -> None:
    """Of parts of two, no output shows an image of another part."""
    images, _ = batch(5)
    labels = torch.eye(5)
    augmentation = make("comixup", options={"part": 2})
    _, mixed = augmentation.forward(Quarters(), images, labels, np.random.default_rng(0))
    assert torch.count_nonzero(mixed[:2, 2:]) == 0
    assert torch.count_nonzero(mixed[2:4, [0, 1, 4]]) == 0
    assert torch.equal(mixed[4], labels[4])


def test_without_the_package_it_says_how_to_install_it(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "maxflow.fastmin", None)
    with pytest.raises(UserError, match="comixup needs the package PyMaxflow; install it with"):
        make("comixup")


def test_more_cells_than_pixels(make: Make) -> None:
    with pytest.raises(UserError, match="comixup: 48 cells do not fit into 32 pixels"):
        make("comixup", options={"cells": 48})
