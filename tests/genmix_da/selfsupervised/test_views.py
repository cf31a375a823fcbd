"""Two views of an image: from which pictures, and that nothing but the settings decides them."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from genmix_da.selfsupervised.config import SelfSupervisedConfig
from genmix_da.selfsupervised.views import Pictures, TwoViews, view_batches, view_transform
from lead.views import Preprocessing

CPU = torch.device("cpu")


def flat(values: list[int]) -> Any:
    """Pictures [N, 40, 40, 3] of one grey each."""
    return np.stack([np.full((40, 40, 3), value, np.uint8) for value in values])


def pictures(views: str) -> Pictures:
    """Two originals, 0 and 1; of the first there are made 10 and 11, of the second none."""
    return Pictures(flat([0, 1]), flat([10, 11]), (0, 0), views)


def drawn(views: str, row: int = 0) -> list[tuple[int, int]]:
    """Greys of both views in many epochs."""
    held = pictures(views)
    found = []
    for epoch in range(200):
        places = held.chosen(row, np.random.default_rng(epoch))
        first, second = (np.asarray(held.picture(row, place))[0, 0, 0] for place in places)
        found.append((int(first), int(second)))
    return found


def test_one_view_of_the_original_and_one_of_a_made_picture() -> None:
    found = drawn("original-augmented")
    assert {tuple(sorted(pair)) for pair in found} == {(0, 10), (0, 11)}
    originals_first = sum(first == 0 for first, _ in found)
    assert 60 < originals_first < 140  # each encoder of MoCo sees both kinds


def test_both_views_of_made_pictures() -> None:
    assert set(drawn("augmented")) == {(10, 10), (10, 11), (11, 10), (11, 11)}


def test_each_view_of_any_picture() -> None:
    assert set(drawn("mixed")) == {(a, b) for a in (0, 10, 11) for b in (0, 10, 11)}


@pytest.mark.parametrize("views", ["original-augmented", "augmented", "mixed"])
def test_an_image_of_which_nothing_was_made_has_two_views_of_itself(views: str) -> None:
    assert set(drawn(views, row=1)) == {(1, 1)}


def transform(size: int = 32, method: str = "moco-v2") -> Any:
    config = SelfSupervisedConfig(data="x", method=method)
    return view_transform(config, Preprocessing().resized(size))


def noise(count: int = 6) -> Any:
    return np.random.default_rng(0).integers(0, 256, (count, 72, 72, 3)).astype(np.uint8)


def views_of(seed: int, epoch: int, workers: int = 0) -> list[torch.Tensor]:
    plan = [np.array([0, 1, 2]), np.array([5, 4, 3])]
    dataset = TwoViews(Pictures(noise(), None, (), "mixed"), transform(), seed, epoch)
    return [view for pair in view_batches(dataset, plan, CPU, workers) for view in pair]


def test_views_hang_on_seed_and_epoch_alone() -> None:
    first = views_of(1, 1)
    torch.manual_seed(99)
    np.random.seed(99)
    assert all(map(torch.equal, first, views_of(1, 1)))
    for other in (views_of(2, 1), views_of(1, 2)):
        assert not any(map(torch.equal, first, other))
    assert first[0].shape == (3, 3, 32, 32)
    assert not torch.equal(first[0], first[1])


def test_processes_cut_the_same_views() -> None:
    assert all(map(torch.equal, views_of(1, 1), views_of(1, 1, workers=2)))


def test_an_image_has_the_same_views_wherever_it_is_in_the_order() -> None:
    dataset = TwoViews(Pictures(noise(), None, (), "mixed"), transform(), 1, 1)
    assert torch.equal(dataset[4][0], views_of(1, 1)[2][1])


def test_cutting_views_leaves_the_generators_of_the_process_alone() -> None:
    torch.manual_seed(5)
    np.random.seed(5)
    random.seed(5)
    wanted = torch.rand(1), np.random.rand(), random.random()
    torch.manual_seed(5)
    np.random.seed(5)
    random.seed(5)
    views_of(1, 1)
    assert (torch.rand(1), np.random.rand(), random.random()) == wanted


@pytest.mark.parametrize("method", ["moco-v2", "simsiam"])
def test_small_views_are_not_blurred(method: str) -> None:
    def blur(size: int) -> Any:
        (found,) = [
            step
            for step in transform(size, method).transform.transforms
            if type(step).__name__ == "GaussianBlur"
        ]
        return found

    assert (blur(32).prob, blur(63).prob) == (0.0, 0.0)
    assert (blur(64).prob, blur(224).prob) == (0.5, 0.5)
    assert blur(112).sigmas == (0.1, 1.0)
    assert blur(224).sigmas == blur(448).sigmas == (0.1, 2.0)


def test_views_are_normalised_as_the_backbone_wants_them() -> None:
    pre = Preprocessing((0.5, 0.5, 0.5), (0.25, 0.25, 0.25), 16, 18)
    cut = view_transform(SelfSupervisedConfig(data="x"), pre)
    white = cut(Image.new("RGB", (40, 40), "black"))
    assert torch.equal(white, torch.full((3, 16, 16), -2.0))  # black under any jitter
