"""StyleMix: what is added up, what labels weigh, and the files that it needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genmix_da.classify.augmentations import (
    Augmentation,
    Setup,
    augmentation_settings,
    make_augmentation,
    required_options,
    stylemix,
)
from genmix_da.classify.augmentations.stylemix import Stylemix
from lead.views import Preprocessing

Make = Callable[..., Augmentation]


class Draws:
    """Shares that are asked for, and the limits between which the rest is drawn."""

    def __init__(self, content: float, style: float, place: float = 0.5) -> None:
        self._shares, self._place = [content, style], place
        self.limits: list[tuple[float, float]] = []

    def random(self) -> float:
        return 0.0

    def beta(self, *_: float) -> float:
        return self._shares.pop(0)

    def uniform(self, low: float, high: float) -> float:
        assert low <= high  # numpy's refuses it
        self.limits.append((low, high))
        return low + self._place * (high - low)


class Colours(nn.Module):
    """A style network whose features are the colours."""

    encode = decode = nn.Identity()


@pytest.fixture
def mixed(
    style_files: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Callable[[Any], tuple[Tensor, Tensor]]:
    """Two images of 16 pixels and their labels, mixed by their colours.

    The first is 0.2 and 0.4 in columns, the second 0.5 and 0.9 in rows.
    """
    monkeypatch.setattr(stylemix, "load_style_network", lambda *_: (Colours(), {}))
    plain = Preprocessing(mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))

    def mix(draw: Any) -> tuple[Tensor, Tensor]:
        first = torch.tensor([0.2, 0.4]).repeat(8).expand(3, 16, 16)
        second = torch.tensor([0.5, 0.9]).repeat(8)[:, None].expand(3, 16, 16)
        options = style_files | {"side": 16, "probability": 1}
        made = make_augmentation("stylemix", Setup(16, 2, plain), options)
        return made.batch(torch.stack([first, second]), torch.eye(2), draw)

    return mix


def corner(images: Tensor, image: int) -> list[float]:
    """The four values at the top left: of row 0, then of row 1."""
    found: list[float] = images[image, 0, :2, :2].flatten().tolist()
    return found


@pytest.mark.parametrize(
    ("content", "style", "first"),
    [
        (1, 1, [0.2, 0.4, 0.2, 0.4]),  # itself
        (0, 0, [0.5, 0.5, 0.9, 0.9]),  # its partner
        (1, 0, [0.5, 0.9, 0.5, 0.9]),  # its columns in its partner's two colours
        (0, 1, [0.2, 0.2, 0.4, 0.4]),  # its partner's rows in its own
    ],
)
def test_the_four_corners(
    mixed: Callable[[Any], tuple[Tensor, Tensor]], content: float, style: float, first: list[float]
) -> None:
    images, labels = mixed(Draws(content, style))
    assert corner(images, 0) == pytest.approx(first, abs=2e-4)
    own = 0.7 * content + 0.3 * style
    assert torch.allclose(labels, torch.tensor([[own, 1 - own], [1 - own, own]]))


def test_a_case_by_hand(mixed: Callable[[Any], tuple[Tensor, Tensor]]) -> None:
    """c = 0.6, s = 0.5: t from 0.1 to 0.5, here 0.3; the four weigh 0.3, 0.2, 0.3 and 0.2."""
    draw = Draws(0.6, 0.5)
    images, labels = mixed(draw)
    assert draw.limits == [(pytest.approx(0.1), 0.5)]
    expected = [
        0.3 * own + 0.2 * partner + 0.3 * own_restyled + 0.2 * partner_restyled
        for own, partner, own_restyled, partner_restyled in zip(
            *([0.2, 0.4, 0.2, 0.4], [0.5, 0.5, 0.9, 0.9]),
            *([0.5, 0.9, 0.5, 0.9], [0.2, 0.2, 0.4, 0.4]),
            strict=True,
        )
    ]
    assert corner(images, 0) == pytest.approx(expected, abs=2e-4)
    assert labels[0].tolist() == pytest.approx([0.57, 0.43])


def test_the_four_weights_are_shares(mixed: Callable[[Any], tuple[Tensor, Tensor]]) -> None:
    """Whatever is drawn, t lies between limits that leave all four at 0 or more."""
    draw = np.random.default_rng(0)
    for content, style in draw.random((50, 2)):
        asked = Draws(content, style)
        mixed(asked)
        ((low, high),) = asked.limits
        for both in (low, high):
            four = (both, 1 - content - style + both, content - both, style - both)
            assert min(four) >= -1e-12
            assert sum(four) == pytest.approx(1)


def test_small_images_are_enlarged_and_large_ones_are_not_shrunk(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    class Watching(Colours):
        def encode(self, pixels: Tensor) -> Tensor:
            seen.append(pixels.shape[-1])
            return pixels

    monkeypatch.setattr(stylemix, "load_style_network", lambda *_: (Watching(), {}))
    for size, side in ((20, 32), (20, 224), (300, 224)):
        augmentation = make("stylemix", size, {"side": side})
        images, _ = augmentation.batch(
            torch.zeros(2, 3, size, size), torch.eye(2), np.random.default_rng(0)
        )
        assert images.shape[-1] == size
    assert seen == [32, 224, 304]


def test_pixels_stay_what_a_picture_can_hold(make: Make) -> None:
    """Random weights decode to anything."""
    augmentation = make("stylemix")
    images, _ = augmentation.batch(
        torch.randn(3, 3, 32, 32), torch.eye(3), np.random.default_rng(1)
    )
    mean, std = (
        torch.tensor(v)[:, None, None] for v in (Preprocessing().mean, Preprocessing().std)
    )
    pixels = images * std + mean
    assert pixels.min() >= -1e-6
    assert pixels.max() <= 1 + 1e-6


def test_published_defaults(style_files: dict[str, str]) -> None:
    settings = augmentation_settings("stylemix", style_files)
    own = ("alpha", "probability", "content_weight", "side")
    assert {key: settings[key] for key in own} == {
        "alpha": 0.5,
        "probability": 0.2,
        "content_weight": 0.7,
        "side": 224,
    }
    assert required_options(Stylemix) == ["encoder", "decoder"]


def test_shares_near_one_and_nought(make: Make) -> None:
    """1 + s - 1 may be more than s; such draws are common where alpha is small."""
    augmentation = make("stylemix", 16, {"alpha": 0.01, "side": 16})
    draw, images = np.random.default_rng(0), torch.randn(2, 3, 16, 16)
    for _ in range(100):
        _, labels = augmentation.batch(images, torch.eye(2), draw)
        assert torch.allclose(labels.sum(1), torch.ones(2))


@pytest.mark.parametrize(("size", "side"), [(32, 32), (17, 32), (33, 48), (40, 16)])
def test_it_is_what_the_paper_says_layer_by_layer(
    make: Make, style_files: dict[str, str], size: int, side: int
) -> None:
    """Against plain functions: convolutions of mirrored images, and so on."""
    files = {name: torch.load(file) for name, file in style_files.items()}

    def convolved(images: Tensor, part: str, place: int, *, relu: bool = True) -> Tensor:
        weight, bias = (files[part][f"{place}.{kind}"] for kind in ("weight", "bias"))
        found = F.conv2d(F.pad(images, (1, 1, 1, 1), mode="reflect"), weight, bias)
        return found.clamp_min(0) if relu else found

    def encoded(images: Tensor) -> Tensor:
        found = F.conv2d(images, files["encoder"]["0.weight"], files["encoder"]["0.bias"])
        for place in (2, 5, "-", 9, 12, "-", 16, 19, 22, 25, "-", 29):
            if isinstance(place, int):
                found = convolved(found, "encoder", place)
            else:
                found = F.max_pool2d(found, 2, ceil_mode=True)
        return found

    def decoded(features: Tensor) -> Tensor:
        for place in (1, "+", 5, 8, 11, 14, "+", 18, 21, "+", 25):
            if isinstance(place, int):
                features = convolved(features, "decoder", place)
            else:
                features = features.repeat_interleave(2, 2).repeat_interleave(2, 3)
        return convolved(features, "decoder", 28, relu=False)

    def in_style(content: Tensor, style: Tensor) -> Tensor:
        own, other = (
            (each.mean((2, 3), keepdim=True), (each.var((2, 3), keepdim=True) + 1e-5).sqrt())
            for each in (content, style)
        )
        return (content - own[0]) / own[1] * other[1] + other[0]

    images = torch.randn(3, 3, size, size, generator=torch.Generator().manual_seed(size))
    found, _ = make("stylemix", size, {"side": side}).batch(
        images,
        torch.eye(3),
        Draws(0.6, 0.5),  # t = 0.3
    )
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (Preprocessing().mean, Preprocessing().std))
    inside = -(-max(size, side) // 8) * 8
    pixels = F.interpolate(images * std + mean, (inside, inside), mode="bilinear")
    own = encoded(pixels)
    partner = own[[2, 0, 1]]
    features = 0.3 * own + 0.2 * partner + 0.3 * in_style(own, partner)
    picture = decoded(features + 0.2 * in_style(partner, own)).clamp(0, 1)
    assert picture.std() > 0.01  # there is something to see
    expected = F.interpolate(picture, (size, size), mode="bilinear")
    assert torch.allclose(found, (expected - mean) / std, atol=1e-4)
