"""What every augmentation promises, whatever it does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from genmix_da.classify.augmentations import AUGMENTATIONS, Augmentation, find_augmentation
from genmix_da.testing import AugmentationContract
from genmix_da.testing.augmentations import everything

Make = Callable[..., Augmentation]
Photo = Callable[..., np.ndarray]
Batch = Callable[..., tuple[Tensor, Tensor]]

# They change the training set or nothing at all.
IDLE = {"none", "genmix", "diffusemix"}
PICTURE = {
    *("randaugment", "autoaugment", "trivialaugment", "augmix", "pixmix", "ipmix"),
    "random-erasing",
}
MIXING = set(AUGMENTATIONS) - IDLE - PICTURE
# They mix on the way through the network.
INSIDE = {"manifold-mixup", "snapmix", "puzzlemix", "comixup", "automix", "adautomix"}
# Nothing but whether a batch is mixed is drawn.
DRAWLESS = {"guidedmixup"}

names = pytest.mark.parametrize("name", list(AUGMENTATIONS))


@names
class TestEveryAugmentation(AugmentationContract):
    @pytest.fixture
    def kind(self, name: str) -> type[Augmentation]:
        return find_augmentation(name)

    @pytest.fixture
    def options(self, name: str, needed: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
        return needed(name)


def alike(first: list[Tensor], second: list[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


@names
def test_another_draw_differs(name: str, make: Make, photo: Photo, batch: Batch) -> None:
    first = everything(make(name), photo(), batch(), 3)
    others = [everything(make(name), photo(), batch(), seed) for seed in range(4, 12)]
    if name in IDLE:
        assert all(alike(first, other) for other in others)
        assert alike(first[1:3], list(batch()))
    elif name in DRAWLESS:
        assert 1 <= sum(alike(first, other) for other in others) < len(others)
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
    assert (changed["images"] > 0) == (name in MIXING - INSIDE)
    assert (changed["labels"] > 0) == (name in MIXING)


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
def test_what_has_no_options_has_no_settings(name: str, make: Make) -> None:
    if name in IDLE | {"trivialaugment"}:
        assert make(name).settings == {}


@names
def test_the_docstring_names_the_paper(name: str, make: Make) -> None:
    text = type(make(name)).__doc__ or ""
    assert name == "none" or any(str(year) in text for year in range(2018, 2025))
