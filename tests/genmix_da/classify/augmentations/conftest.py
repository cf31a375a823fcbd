"""Small pictures, batches that say where each pixel came from, and few small fractals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from genmix_da.augment import compose, fractals
from genmix_da.classify.augmentations import Augmentation, Setup, make_augmentation
from lead.views import Preprocessing

CLASSES = 5

Make = Callable[..., Augmentation]
small_fractal = cache(partial(fractals.draw_fractal, side=64))


@pytest.fixture(autouse=True)
def few_small_fractals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fractals of 512 pixels would take most of the time of these tests."""
    monkeypatch.setattr(compose, "COUNT", 5)
    monkeypatch.setattr(fractals, "draw_fractal", small_fractal)


@pytest.fixture
def make() -> Make:
    """An augmentation by name, for images of a size."""

    def build(name: str, size: int = 32, options: Mapping[str, Any] | None = None) -> Augmentation:
        return make_augmentation(name, Setup(size, CLASSES, Preprocessing()), options)

    return build


@pytest.fixture
def photo() -> Callable[..., np.ndarray]:
    """A smooth picture with some grain, [size, size, 3]."""

    def draw(size: int = 32, seed: int = 0) -> np.ndarray:
        random = np.random.default_rng(seed)
        place = np.linspace(0, 3, size)
        waves = np.sin(place[:, None, None] * (1 + random.random(3)) + place[None, :, None] ** 2)
        return np.clip(120 + 90 * waves + random.normal(0, 8, waves.shape), 0, 255).astype(np.uint8)

    return draw


@pytest.fixture
def batch() -> Callable[..., tuple[Tensor, Tensor]]:
    """Normalised noise and soft labels, in the memory layout of training."""

    def draw(count: int = 4, size: int = 32) -> tuple[Tensor, Tensor]:
        random = torch.Generator().manual_seed(count * 1000 + size)
        images = torch.randn(count, 3, size, size, generator=random)
        weights = torch.softmax(4 * torch.randn(count, CLASSES, generator=random), 1)
        return images.contiguous(memory_format=torch.channels_last), weights

    return draw


@pytest.fixture
def constants() -> tuple[Tensor, Tensor]:
    """Three images of one value each, 1, 2 and 3, of classes 0, 1 and 2; the partner is below."""
    values = torch.tensor([1.0, 2.0, 3.0])
    return values.view(3, 1, 1, 1).expand(3, 3, 32, 32).clone(), torch.eye(3, CLASSES)
