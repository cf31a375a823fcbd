"""What every augmentation promises, whatever it does."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from genmix_da.classify.augmentations import AUGMENTATIONS, Augmentation

Make = Callable[..., Augmentation]
Photo = Callable[..., np.ndarray]
Batch = Callable[..., tuple[Tensor, Tensor]]

# They change the training set or nothing at all.
IDLE = {"none", "genmix", "diffusemix"}
PICTURE = {"randaugment", "autoaugment", "trivialaugment", "augmix", "pixmix", "ipmix"}
MIXING = set(AUGMENTATIONS) - IDLE - PICTURE

names = pytest.mark.parametrize("name", AUGMENTATIONS)


class TinyNetwork(nn.Module):
    """Two stages and a head, with dropout: what draws from torch's own generator in training."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Sequential(nn.Conv2d(3, 6, 3, 2, 1), nn.ReLU()),
            nn.Sequential(nn.Conv2d(6, 6, 3, 2, 1), nn.ReLU()),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        self.head = nn.Linear(6, 5)
        torch.manual_seed(0)
        for parameter in self.parameters():
            nn.init.normal_(parameter, std=0.3)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.backbone(images))
        return logits


def everything(
    augmentation: Augmentation, photo: np.ndarray, batch: tuple[Tensor, Tensor], seed: int
) -> list[Any]:
    """All that an augmentation returns for one draw."""
    draw = np.random.default_rng(seed)
    picture = augmentation.picture(photo, draw)
    images, weights = augmentation.batch(*batch, draw)
    with torch.no_grad():
        logits, labels = augmentation.forward(TinyNetwork(), images, weights, draw)
    return [torch.from_numpy(picture), images, weights, logits, labels]


def alike(first: list[Tensor], second: list[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


@names
@pytest.mark.parametrize(("count", "size"), list(product((1, 2, 5), (17, 32))))
def test_shapes_types_and_labels(
    name: str, count: int, size: int, make: Make, photo: Photo, batch: Batch
) -> None:
    augmentation, pixels, (images, weights) = make(name, size), photo(size), batch(count, size)
    before = [pixels.copy(), images.clone(), weights.clone()]
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
        assert logits.shape == (count, 5)
        assert logits.isfinite().all()
        for rows in (labels, final):
            assert (rows.shape, rows.dtype) == (weights.shape, weights.dtype)
            assert rows.min() >= 0
            assert torch.allclose(rows.sum(1), torch.ones(count), atol=1e-6, rtol=0)
    # Nothing was changed in place.
    assert np.array_equal(before[0], pixels)
    assert torch.equal(before[1], images)
    assert torch.equal(before[2], weights)


@names
def test_a_flipped_view_is_as_good_as_its_copy(name: str, make: Make, photo: Photo) -> None:
    augmentation, flipped = make(name), photo()[:, ::-1]
    views = [
        augmentation.picture(pixels, np.random.default_rng(1))
        for pixels in (flipped, np.ascontiguousarray(flipped))
    ]
    assert np.array_equal(*views)


@names
def test_same_draw_same_bits_and_another_differs(
    name: str, make: Make, photo: Photo, batch: Batch
) -> None:
    first = everything(make(name), photo(), batch(), 3)
    assert alike(first, everything(make(name), photo(), batch(), 3))
    others = [everything(make(name), photo(), batch(), seed) for seed in range(4, 12)]
    if name in IDLE:
        assert all(alike(first, other) for other in others)
        assert alike(first[1:3], list(batch()))
    else:
        assert sum(alike(first, other) for other in others) <= 2


@names
def test_it_acts_where_it_should(name: str, make: Make, photo: Photo, batch: Batch) -> None:
    augmentation, pixels, (images, weights) = make(name), photo(), batch()
    changed = {"picture": 0, "images": 0, "labels": 0}
    for seed in range(8):
        picture, mixed, _, _, labels = everything(augmentation, pixels, (images, weights), seed)
        changed["picture"] += not np.array_equal(picture.numpy(), pixels)
        changed["images"] += not torch.equal(mixed, images)
        changed["labels"] += not torch.equal(labels, weights)
    assert (changed["picture"] > 0) == (name in PICTURE)
    assert (changed["images"] > 0) == (name in MIXING - {"manifold-mixup"})
    assert (changed["labels"] > 0) == (name in MIXING)


@names
def test_no_global_generator_is_read_or_moved(
    name: str, make: Make, photo: Photo, batch: Batch
) -> None:
    augmentation, given = make(name), (photo(), batch())
    seen = []
    for other in (0, 1):
        torch.manual_seed(other)
        np.random.seed(other)
        random.seed(other)
        states = [torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()]
        draw = np.random.default_rng(7)
        picture = augmentation.picture(given[0], draw)
        seen.append([torch.from_numpy(picture), *augmentation.batch(*given[1], draw)])
        assert torch.equal(states[0], torch.get_rng_state())
        assert np.array_equal(states[1], np.random.get_state()[1])
        assert states[2] == random.getstate()
    assert alike(*seen)


@names
def test_a_view_repeats_while_the_main_thread_draws_dropout(
    name: str, make: Make, photo: Photo, batch: Batch
) -> None:
    """The two threads of training: neither sees the other's randomness."""
    augmentation, pixels, given = make(name), photo(), batch()

    def views() -> list[Tensor]:
        draw = np.random.default_rng(11)
        made = []
        for _ in range(12):
            made.append(torch.from_numpy(augmentation.picture(pixels, draw).copy()))
            made.extend(augmentation.batch(*given, draw))
        return made

    def dropout(until: Callable[[int], bool]) -> list[Tensor]:
        torch.manual_seed(5)
        drawn: list[Tensor] = []
        while until(len(drawn)):
            drawn.append(nn.functional.dropout(torch.ones(64)))
        return drawn

    alone = views()
    started = threading.Event()

    def signalled() -> list[Tensor]:
        started.set()
        return views()

    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(signalled)
        started.wait()
        drawn = dropout(lambda count: count < 50 or not working.done())
        assert alike(alone, working.result())
    assert alike(drawn, dropout(lambda count: count < len(drawn)))


@names
def test_settings_are_plain_values(name: str, make: Make) -> None:
    settings = make(name).settings
    assert all(isinstance(value, str | int | float | None) for value in settings.values())
    assert "setup" not in settings
    if name in IDLE | {"trivialaugment"}:
        assert settings == {}


@names
def test_the_docstring_names_the_paper(name: str, make: Make) -> None:
    text = type(make(name)).__doc__ or ""
    assert name == "none" or any(str(year) in text for year in range(2018, 2025))
