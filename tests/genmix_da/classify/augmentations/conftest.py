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
from genmix_da.testing import augmentations
from lead.views import Preprocessing

CLASSES = augmentations.CLASSES

Make = Callable[..., Augmentation]
small_fractal = cache(partial(fractals.draw_fractal, side=64))


@pytest.fixture(autouse=True)
def few_small_fractals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fractals of 512 pixels would take most of the time of these tests."""
    monkeypatch.setattr(compose, "COUNT", 5)
    monkeypatch.setattr(fractals, "draw_fractal", small_fractal)


@pytest.fixture
def needed(request: pytest.FixtureRequest) -> Callable[[str], dict[str, Any]]:
    """Options that a method can't do without, and that make it quick and act every time."""

    def options(name: str) -> dict[str, Any]:
        if name != "stylemix":
            return {}
        return request.getfixturevalue("style_files") | {"side": 32, "probability": 1}

    return options


@pytest.fixture
def make(needed: Callable[[str], dict[str, Any]]) -> Make:
    """An augmentation by name, for images of a size."""

    def build(name: str, size: int = 32, options: Mapping[str, Any] | None = None) -> Augmentation:
        setup = Setup(size, CLASSES, Preprocessing())
        return make_augmentation(name, setup, needed(name) | dict(options or {}))

    return build


@pytest.fixture
def photo() -> Callable[..., np.ndarray]:
    """See `genmix_da.testing.augmentations.photo`."""
    return augmentations.photo


@pytest.fixture
def batch() -> Callable[..., tuple[Tensor, Tensor]]:
    """See `genmix_da.testing.augmentations.batch`."""
    return augmentations.batch


@pytest.fixture
def constants() -> tuple[Tensor, Tensor]:
    """Three images of one value each, 1, 2 and 3, of classes 0, 1 and 2; the partner is below."""
    values = torch.tensor([1.0, 2.0, 3.0])
    return values.view(3, 1, 1, 1).expand(3, 3, 32, 32).clone(), torch.eye(3, CLASSES)
