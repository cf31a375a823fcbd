"""SnapMix: percent maps and label weights by the paper's formulas, on a network seen through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from genmix_da.classify.augmentations import Augmentation
from genmix_da.classify.augmentations.class_maps import class_maps, last_map
from genmix_da.classify.augmentations.snapmix import drawn_box, percent_maps
from genmix_da.errors import UserError
from lead.backbones import build_backbone

Make = Callable[..., Augmentation]


class Seen(nn.Module):
    """The feature map is the image shrunk to 4 x 4 cells; class c looks at channel c alone."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(
            nn.AdaptiveAvgPool2d(4), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        )
        self.head = nn.Linear(3, 5, bias=False)
        self.head.weight.data = torch.eye(5, 3)
        self.images = torch.empty(0)

    def forward(self, images: Tensor) -> Tensor:
        self.images = images
        logits: Tensor = self.head(self.backbone(images))
        return logits


def test_class_maps_are_the_head_at_every_place() -> None:
    """Channel of the class, and of a label of two halves their mean."""
    images = torch.arange(96.0).view(2, 3, 4, 4)
    weights = torch.tensor([[0.0, 1.0, 0, 0, 0], [0.5, 0, 0.5, 0, 0]])
    found = class_maps(Seen(), images, weights)
    assert torch.equal(found[0], images[0, 1])
    assert torch.allclose(found[1], (images[1, 0] + images[1, 2]) / 2)


def test_percent_maps_by_hand() -> None:
    """Not enlarged: 1, 2, 3, 4 less the least is 0, 1, 2, 3, of 6; a flat map is a quarter each."""
    maps = torch.tensor([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 5.0], [5.0, 5.0]]])
    found = percent_maps(maps, (2, 2))
    assert torch.allclose(found[0], torch.tensor([[0, 1 / 6], [2 / 6, 3 / 6]]))
    assert torch.equal(found[1], torch.full((2, 2), 0.25))
    large = percent_maps(maps, (16, 16))
    assert torch.allclose(large.sum((1, 2)), torch.ones(2), atol=1e-5)
    assert large[0, 0, 0] == 0


def test_what_is_mixed_and_weighed(make: Make) -> None:
    """Every number again from the draws, the images and the definition."""
    random = torch.Generator().manual_seed(0)
    images, weights = torch.rand(3, 3, 32, 32, generator=random), torch.eye(3, 5)
    network, augmentation = Seen(), make("snapmix")
    sums = []
    for seed in range(12):
        draw = np.random.default_rng(seed)
        _, labels = augmentation.forward(network, images, weights, draw)
        again = np.random.default_rng(seed)
        assert again.random() < 1
        boxes = [drawn_box(again.beta(5, 5), 32, 32, again) for _ in range(2)]
        (rows, columns), (from_rows, from_columns) = boxes
        for row in range(3):
            mate = row - 1
            changed = (network.images[row] != images[row]).any(0)
            inside = torch.zeros(32, 32, dtype=torch.bool)
            inside[rows, columns] = True
            assert torch.equal(changed, inside)
            patch = network.images[row][:, rows, columns]
            corner = images[mate][:, from_rows.start, from_columns.start]
            assert torch.allclose(patch[:, 0, 0], corner)
            end = images[mate][:, from_rows.stop - 1, from_columns.stop - 1]
            assert torch.allclose(patch[:, -1, -1], end, atol=1e-5)
            maps = [images[one, one % 3].view(4, 8, 4, 8).mean((1, 3)) for one in (row, mate % 3)]
            percent = percent_maps(torch.stack(maps), (32, 32)).double()
            kept = 1 - float(percent[0][rows, columns].sum())
            pasted = float(percent[1][from_rows, from_columns].sum())
            assert labels[row, row].item() == pytest.approx(kept, abs=1e-5)
            assert labels[row, mate % 3].item() == pytest.approx(pasted, abs=1e-5)
        sums.append(float(labels[0].sum()))
    assert np.ptp(sums) > 0.1  # they are no shares


def test_one_class_gets_both_weights(make: Make) -> None:
    """Grey images, whose maps are the same for every class: weights of two classes, then of one."""
    random = torch.Generator().manual_seed(1)
    images = torch.rand(2, 1, 32, 32, generator=random).expand(2, 3, 32, 32)
    apart, alike = (torch.eye(2, 5), torch.tensor([[1.0, 0, 0, 0, 0]] * 2))
    for seed in range(4):
        _, two = make("snapmix").forward(Seen(), images, apart, np.random.default_rng(seed))
        _, one = make("snapmix").forward(Seen(), images, alike, np.random.default_rng(seed))
        assert torch.allclose(one[:, 0], two.sum(1), atol=1e-6)
        assert torch.count_nonzero(one[:, 1:]) == 0


def test_boxes_have_the_drawn_sides_and_lie_inside() -> None:
    draw = np.random.default_rng(0)
    sides = []
    for _ in range(200):
        rows, columns = drawn_box(0.75, 32, 48, draw)
        assert 0 <= rows.start <= rows.stop <= 32
        assert 0 <= columns.start <= columns.stop <= 48
        sides.append((rows.stop - rows.start, columns.stop - columns.start))
    assert np.max(sides, 0).tolist() == [16, 24]
    rows, columns = drawn_box(1.0, 32, 32, draw)
    assert rows.start == rows.stop
    assert columns.start == columns.stop


def test_a_box_without_area_mixes_nothing(make: Make) -> None:
    """Beta(1000, 0.001) cannot be typed, so a share of 1 is put in the draw's place."""

    class Always:
        def random(self) -> float:
            return 0.0

        def beta(self, *_: float) -> float:
            return 1.0

        def integers(self, *_: int) -> int:
            return 3

    images, weights, network = torch.rand(2, 3, 32, 32), torch.eye(2, 5), Seen()
    draw: Any = Always()
    _, labels = make("snapmix").forward(network, images, weights, draw)
    assert network.images is images
    assert labels is weights


@pytest.mark.parametrize(
    ("name", "arguments", "size", "cells"),
    [
        ("resnet18", {}, 64, 2),
        ("timm:test_efficientnet", {}, 64, 2),
        ("timm:mobilenetv1_100", {}, 64, 2),
        ("timm:densenet121", {}, 64, 2),
        ("swin_t", {}, 64, 2),
        ("convnext_tiny", {}, 64, 2),
        ("timm:vit_tiny_patch16_224", {"img_size": 64, "depth": 1}, 64, 4),
    ],
)
def test_the_last_map_of_usual_backbones(
    name: str, arguments: dict[str, Any], size: int, cells: int
) -> None:
    backbone = build_backbone(name, weights="none", arguments=arguments)
    images = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    found = last_map(backbone.module, images, backbone.feature_dim)
    assert found.shape == (2, backbone.feature_dim, cells, cells)
    assert not any(module._forward_hooks for module in backbone.module.modules())
    if name in ("resnet18", "timm:test_efficientnet", "timm:densenet121"):
        # The features are its mean: it is the very map that the head sees.
        with torch.no_grad():
            features = backbone.module.eval()(images)
        assert torch.allclose(found.mean((2, 3)), features, atol=1e-4)


def test_tokens_are_laid_out_row_by_row() -> None:
    """Five tokens: one of the class, then a grid of two by two."""

    class Tokens(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return torch.arange(5.0)[None, :, None].expand(len(images), 5, 3)

    backbone = nn.Sequential(Tokens(), nn.Flatten())
    found = last_map(backbone, torch.zeros(1, 3, 8, 8), 3)
    assert found[0, 0].tolist() == [[1, 2], [3, 4]]


def test_no_map_is_one_sentence(make: Make) -> None:
    network = Seen()
    network.backbone = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    with pytest.raises(UserError, match="at 32 px this backbone has no map") as caught:
        make("snapmix").forward(
            network, torch.rand(2, 3, 32, 32), torch.eye(2, 5), np.random.default_rng(0)
        )
    assert "\n" not in str(caught.value)
    assert "another augmentation" in str(caught.value)
