"""GuidedMixup: pairs far apart in one ring, and pixels weighed by saliency."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from typing import Any

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter, uniform_filter
from torch import Tensor, nn
from torchvision.transforms.functional import gaussian_blur

from genmix_da.classify.augmentations import Augmentation
from genmix_da.classify.augmentations.guidedmixup import distances, one_cycle, residual_map
from genmix_da.classify.augmentations.network_mixing import gradient_saliency, shares
from genmix_da.errors import UserError

Make = Callable[..., Augmentation]


class Network(nn.Module):
    """Enough of a network to ask for gradients."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.backbone = nn.Sequential(nn.Conv2d(3, 6, 5, 2), nn.Tanh(), nn.AdaptiveAvgPool2d(2))
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(24, 5))
        self.images = torch.empty(0)

    def forward(self, images: Tensor) -> Tensor:
        self.images = images
        logits: Tensor = self.head(self.backbone(images))
        return logits


def test_one_cycle_by_hand() -> None:
    """2 and 0 are farthest (9); from 0, of 1 and 3, 3 is farther (7); 1 is left, and closes it."""
    distance = np.array([[0, 4, 9, 7], [4, 0, 1, 2], [9, 1, 0, 3], [7, 2, 3, 0]], dtype=float)
    # The first of the two equal entries is (0, 2): 0 -> 2 -> 3 -> 1 -> 0.
    assert one_cycle(distance).tolist() == [2, 0, 3, 1]
    assert one_cycle(np.zeros((1, 1))).tolist() == [0]
    assert one_cycle(np.zeros((2, 2))).tolist() == [1, 0]


@pytest.mark.parametrize("count", [3, 5, 16])
def test_partners_are_one_ring_even_where_all_are_alike(count: int) -> None:
    random = np.random.default_rng(count).random((count, count))
    for distance in (random + random.T, np.zeros((count, count))):
        partners, seen, at = one_cycle(distance), [], 0
        for _ in range(count):
            seen.append(at)
            at = int(partners[at])
        assert at == 0
        assert sorted(seen) == list(range(count))


def test_greedy_rings_are_farther_apart_than_others() -> None:
    """0 is the mean of the 120 rings of six, 1 the best one; on maps of one spot."""
    gains = []
    for seed in range(10):
        maps = torch.zeros(6, 16, 16)
        places = np.random.default_rng(seed).integers(0, 16, (6, 2))
        for one, (row, column) in zip(maps, places, strict=True):
            one[row, column] = 1
        distance = distances(shares(gaussian_blur(maps[:, None], [7, 7], [3.0, 3.0])[:, 0]))
        rings = [
            sum(distance[a, b] for a, b in zip((0, *ring), (*ring, 0), strict=True))
            for ring in permutations(range(1, 6))
        ]
        found = distance[np.arange(6), one_cycle(distance)].sum()
        gains.append((found - np.mean(rings)) / (max(rings) - np.mean(rings)))
    assert np.mean(gains) > 0.2


def test_distances_by_hand() -> None:
    maps = torch.tensor([[[0.0, 0.0]], [[3.0, 4.0]]])
    assert distances(maps).tolist() == [[0, 5], [5, 0]]


@pytest.mark.parametrize("size", [48, 128])
def test_the_residual_again_with_numpy(size: int) -> None:
    pixels = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(0))
    grey = np.tensordot([0.2989, 0.587, 0.114], pixels[0].double().numpy(), 1)
    spectrum = np.fft.fft2(grey)
    amplitude = np.log(np.abs(spectrum))
    around = uniform_filter(amplitude, 3, mode="nearest")
    map_ = np.abs(np.fft.ifft2(np.exp(amplitude - around + 1j * np.angle(spectrum))))
    expected = gaussian_filter(map_, 3, mode="mirror", radius=3)
    found = residual_map(pixels)[0].numpy()
    assert np.allclose(found, expected, rtol=1e-3, atol=1e-4 * expected.max())


def test_a_large_image_is_seen_small() -> None:
    pixels = torch.rand(1, 3, 160, 160, generator=torch.Generator().manual_seed(0))
    pixels[:, :, 40:56, 100:116] += 4
    found = residual_map(pixels)[0]
    assert found.shape == (160, 160)
    row, column = divmod(int(found.argmax()), 160)
    assert 36 <= row < 60
    assert 96 <= column < 120


@pytest.mark.parametrize("kind", ["sr", "ap"])
def test_pixels_and_labels_are_weighed_by_saliency(kind: str, make: Make, batch: Any) -> None:
    """Mixture and label weights again, from maps that are made here."""
    images, weights = batch(4, 48)
    augmentation: Any = make("guidedmixup", 48, {"saliency": kind, "probability": 1})
    network = Network()
    draw = np.random.default_rng(0)
    mixed, labels = augmentation.batch(images, weights, draw)
    if kind == "ap":
        assert mixed is images
        _, labels = augmentation.forward(network, images, weights, draw)
        mixed, maps = network.images, gradient_saliency(network, images, weights)
    else:
        maps = residual_map(augmentation._pixels(images))
    maps = gaussian_blur(maps[:, None], [7, 7], [3.0, 3.0])[:, 0].double()
    maps = maps / maps.sum((1, 2), keepdim=True)
    partners = one_cycle(distances(maps))
    assert sorted(partners) == [0, 1, 2, 3]
    for row, mate in enumerate(partners):
        mask = maps[row] / (maps[row] + maps[mate])
        expected = mask * images[row] + (1 - mask) * images[mate]
        assert torch.allclose(mixed[row].double(), expected.double(), atol=1e-4)
        share = float(mask.mean())
        assert torch.allclose(labels[row], share * weights[row] + (1 - share) * weights[mate])


def test_images_that_show_nothing_weigh_the_same(make: Make) -> None:
    images = torch.zeros(2, 3, 32, 32)
    images[1] = 1
    network = Network()
    network.head[1].weight.data.zero_()  # no gradient anywhere
    augmentation = make("guidedmixup", options={"saliency": "ap", "probability": 1})
    _, labels = augmentation.forward(network, images, torch.eye(2, 5), np.random.default_rng(0))
    assert torch.allclose(network.images, torch.full_like(images, 0.5))
    assert labels[:, :2].tolist() == [[0.5, 0.5], [0.5, 0.5]]


def test_batches_of_half_precision_stay_so(make: Make, batch: Any) -> None:
    images, weights = batch()
    augmentation = make("guidedmixup", options={"probability": 1})
    mixed, labels = augmentation.batch(images.to(torch.bfloat16), weights, np.random.default_rng(0))
    assert mixed.dtype == torch.bfloat16
    assert labels.dtype == torch.float32


def test_an_unknown_saliency_is_refused(make: Make) -> None:
    with pytest.raises(UserError, match="no saliency 'gradient'; choose one of sr, ap"):
        make("guidedmixup", options={"saliency": "gradient"})
