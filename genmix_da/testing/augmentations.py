"""What training relies on of every augmentation."""

from __future__ import annotations

import random
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from genmix_da.classify.augmentations.base import Augmentation, Setup
from lead.views import Preprocessing

CLASSES = 5


class AugmentationContract:
    """Tests of one augmentation, whose class the fixture `kind` gives; on noise."""

    @pytest.fixture
    def kind(self) -> type[Augmentation]:
        """The class that is tested."""
        raise NotImplementedError

    @pytest.fixture
    def options(self) -> dict[str, Any]:
        """Of the class; what has no default must be here."""
        return {}

    @pytest.mark.parametrize(("count", "size"), list(product((1, 2, 5), (17, 32))))
    def test_shapes_types_and_labels(
        self, kind: type[Augmentation], options: dict[str, Any], count: int, size: int
    ) -> None:
        """Batches of one too; label weights stay shares, where they are said to be.

        Nothing is changed in place.
        """
        augmentation = _made(kind, options, size)
        pixels, (images, weights) = photo(size), batch(count, size)
        before = (pixels.copy(), images.clone(), weights.clone())
        for seed in range(6):
            picture, mixed, labels, logits, final = everything(
                augmentation, pixels, (images, weights), seed
            )
            assert picture.shape == (size, size, 3)
            assert picture.dtype == torch.uint8
            assert picture.is_contiguous()
            assert (mixed.shape, mixed.dtype) == (images.shape, images.dtype)
            assert mixed.is_contiguous(memory_format=torch.channels_last)
            assert mixed.isfinite().all()
            assert logits.shape == (count, CLASSES)
            assert logits.isfinite().all()
            for rows in (labels, final):
                assert (rows.shape, rows.dtype) == (weights.shape, weights.dtype)
                assert rows.min() >= 0
                if kind.labels_sum_to_one:
                    assert torch.allclose(rows.sum(1), torch.ones(count), atol=1e-6, rtol=0)
                else:
                    assert rows.sum(1).max() <= 2 + 1e-6
        assert np.array_equal(before[0], pixels)
        assert torch.equal(before[1], images)
        assert torch.equal(before[2], weights)

    def test_a_flipped_view_is_as_good_as_its_copy(
        self, kind: type[Augmentation], options: dict[str, Any]
    ) -> None:
        """Pixels may lie in memory as they like."""
        augmentation, flipped = _made(kind, options), photo()[:, ::-1]
        copy = np.ascontiguousarray(flipped)
        first, second = (
            augmentation.picture(pixels, np.random.default_rng(1)) for pixels in (flipped, copy)
        )
        assert np.array_equal(first, second)

    def test_same_draw_same_bits(self, kind: type[Augmentation], options: dict[str, Any]) -> None:
        """All randomness is that of the draw."""
        runs = [everything(_made(kind, options), photo(), batch(), 3) for _ in range(2)]
        assert all(torch.equal(a, b) for a, b in zip(*runs, strict=True))

    def test_no_global_generator_is_read_or_moved(
        self, kind: type[Augmentation], options: dict[str, Any]
    ) -> None:
        """Pictures are made in another thread than training draws its dropout in."""
        augmentation, given = _made(kind, options), (photo(), batch())
        seen = []
        for other in (0, 1):
            torch.manual_seed(other)
            np.random.seed(other)
            random.seed(other)
            states = (torch.get_rng_state(), _numpy_state(), random.getstate())
            draw = np.random.default_rng(7)
            picture = augmentation.picture(given[0], draw)
            seen.append([torch.from_numpy(picture), *augmentation.batch(*given[1], draw)])
            assert torch.equal(states[0], torch.get_rng_state())
            assert np.array_equal(states[1], _numpy_state())
            assert states[2] == random.getstate()
        assert all(torch.equal(a, b) for a, b in zip(*seen, strict=True))

    def test_settings_are_plain_values(
        self, kind: type[Augmentation], options: dict[str, Any]
    ) -> None:
        """For result.json."""
        settings = _made(kind, options).settings
        assert all(isinstance(value, str | int | float | None) for value in settings.values())
        assert "setup" not in settings


class _Network(nn.Module):
    """Two stages and a head, with features under `backbone`."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Sequential(nn.Conv2d(3, 6, 3, 2, 1), nn.ReLU()),
            nn.Sequential(nn.Conv2d(6, 6, 3, 2, 1), nn.ReLU()),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        self.head = nn.Linear(6, CLASSES)
        torch.manual_seed(0)
        for parameter in self.parameters():
            nn.init.normal_(parameter, std=0.3)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.backbone(images))
        return logits


def _made(kind: type[Augmentation], options: dict[str, Any], size: int = 32) -> Augmentation:
    return kind(setup=Setup(size, CLASSES, Preprocessing()), **options)


def everything(
    augmentation: Augmentation,
    pixels: NDArray[np.uint8],
    given: tuple[Tensor, Tensor],
    seed: int,
) -> list[Any]:
    """All that an augmentation returns for one draw: picture, batch, labels, logits, labels."""
    draw = np.random.default_rng(seed)
    picture = augmentation.picture(pixels, draw)
    images, weights = augmentation.batch(*given, draw)
    network = _Network()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        beside = augmentation.companion(network)
    if beside is not None:
        found = beside.objective(network, images, weights, cross_entropy, draw)
        logits, labels = found.logits.detach(), found.weights
    else:
        with torch.no_grad():
            logits, labels = augmentation.forward(network, images, weights, draw)
    return [torch.from_numpy(picture), images, weights, logits, labels]


def photo(size: int = 32, seed: int = 0) -> NDArray[np.uint8]:
    """A smooth picture with some grain, [size, size, 3]."""
    draw = np.random.default_rng(seed)
    place = np.linspace(0, 3, size)
    waves = np.sin(place[:, None, None] * (1 + draw.random(3)) + place[None, :, None] ** 2)
    return np.clip(120 + 90 * waves + draw.normal(0, 8, waves.shape), 0, 255).astype(np.uint8)


def batch(count: int = 4, size: int = 32) -> tuple[Tensor, Tensor]:
    """Normalised noise and soft labels, in the memory layout of training."""
    draw = torch.Generator().manual_seed(count * 1000 + size)
    images = torch.randn(count, 3, size, size, generator=draw)
    weights = torch.softmax(4 * torch.randn(count, CLASSES, generator=draw), 1)
    return images.contiguous(memory_format=torch.channels_last), weights


def _numpy_state() -> NDArray[np.uint32]:
    return np.array(np.random.get_state()[1])  # type: ignore[index]
