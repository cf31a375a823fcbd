"""Manifold mixup: a hidden layer is mixed, and the network is left as it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import lead
from genmix_da.classify.augmentations import Augmentation
from genmix_da.classify.augmentations.manifold_mixup import stages_of

Make = Callable[..., Augmentation]


class Network(nn.Module):
    """A backbone and a linear head that counts its calls."""

    def __init__(self, backbone: nn.Module, features: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = nn.Linear(features, 5)
        self.calls = 0

    def forward(self, images: Tensor) -> Tensor:
        self.calls += 1
        logits: Tensor = self.head(self.backbone(images))
        return logits


def built(name: str, **arguments: Any) -> Network:
    torch.manual_seed(0)
    backbone = lead.build_backbone(name, weights="none", arguments=arguments)
    return Network(backbone.module, backbone.feature_dim)


def hooks(network: nn.Module) -> int:
    return sum(len(module._forward_hooks) for module in network.modules())


def stage_names(network: Network, size: int) -> list[str]:
    names = {module: name for name, module in network.backbone.named_modules()}
    return [names[stage] for stage in stages_of(network.backbone, torch.zeros(1, 3, size, size))]


def test_what_the_stages_of_usual_backbones_are() -> None:
    assert stage_names(built("resnet18"), 32) == ["layer1", "layer2", "layer3", "layer4"]
    mobile = stage_names(built("timm:mobilenetv1_100", pad_type="same"), 32)
    assert mobile == [f"blocks.{n}" for n in range(5)]
    vit = built("timm:vit_tiny_patch16_224", img_size=32, depth=2)
    assert stage_names(vit, 32) == ["patch_embed", "blocks.0", "blocks.1"]
    flat = Network(nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()), 4)
    assert stage_names(flat, 8) == ["0"]


def test_looking_for_stages_changes_nothing() -> None:
    network = built("timm:mobilenetv3_small_050", drop_rate=0.2).train()
    network.backbone.get_submodule("blocks.0").eval()
    modes = [module.training for module in network.modules()]
    before = {key: value.clone() for key, value in network.state_dict().items()}
    state = torch.get_rng_state()
    stages_of(network.backbone, torch.randn(1, 3, 32, 32, generator=torch.Generator()))
    assert torch.equal(state, torch.get_rng_state())
    assert modes == [module.training for module in network.modules()]
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())
    assert hooks(network) == 0


@pytest.mark.parametrize("place", [0, 1, 2])
def test_logits_are_those_of_the_mixed_layer(place: int, make: Make, batch: Any) -> None:
    """Done by hand: run up to the drawn layer, mix there, run on."""
    torch.manual_seed(3)
    parts = nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 6, 3, 2), nn.Tanh()),
        nn.Sequential(nn.Conv2d(6, 8, 3, 2), nn.Tanh()),
        nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    )
    network, (images, weights) = Network(parts, 8).eval(), batch()
    augmentation = make("manifold-mixup")
    found = False
    for seed in range(20):
        draw = np.random.default_rng(seed)
        draw.random()
        if int(draw.integers(3)) != place:
            continue
        found = True
        share = draw.beta(2.0, 2.0)
        logits, labels = augmentation.forward(network, images, weights, np.random.default_rng(seed))
        hidden = images
        for part in parts[:place]:
            hidden = part(hidden)
        hidden = share * hidden + (1 - share) * torch.roll(hidden, 1, 0)
        for part in parts[place:]:
            hidden = part(hidden)
        assert torch.allclose(logits, network.head(hidden), atol=1e-5)
        expected = share * weights + (1 - share) * torch.roll(weights, 1, 0)
        assert torch.allclose(labels, expected, atol=1e-6)
    assert found


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("resnet18", {}),
        ("timm:mobilenetv3_small_050", {}),
        ("timm:vit_tiny_patch16_224", {"img_size": 32, "depth": 2}),
    ],
)
def test_any_backbone_one_pass_and_no_hook_left(
    name: str, arguments: dict[str, Any], make: Make, batch: Any
) -> None:
    network, augmentation = built(name, **arguments).train(), make("manifold-mixup")
    images, weights = batch()
    for seed in range(6):
        network.calls = 0
        logits, labels = augmentation.forward(network, images, weights, np.random.default_rng(seed))
        assert network.calls == 1
        assert hooks(network) == 0
        assert logits.shape == labels.shape == (4, 5)
        logits.sum().backward()
    assert all(p.grad is not None for p in network.head.parameters())


def test_hooks_go_when_the_network_fails(make: Make, batch: Any) -> None:
    network, (images, weights) = built("resnet18").eval(), batch()
    augmentation = make("manifold-mixup", options={"stages": 2})
    augmentation.forward(network, images, weights, np.random.default_rng(0))

    def fail(*_: Any) -> None:
        raise RuntimeError("out of memory")

    handle = network.backbone.get_submodule("layer4").register_forward_hook(fail)
    for seed in range(4):
        with pytest.raises(RuntimeError):
            augmentation.forward(network, images, weights, np.random.default_rng(seed))
    handle.remove()
    assert hooks(network) == 0


def test_without_stages_it_is_mixup_of_the_input(make: Make, batch: Any) -> None:
    network, (images, weights) = built("resnet18").eval(), batch()
    augmentation = make("manifold-mixup", options={"stages": 0})
    draw = np.random.default_rng(1)
    logits, _ = augmentation.forward(network, images, weights, draw)
    draw = np.random.default_rng(1)
    draw.random()
    draw.integers(1)
    share = draw.beta(2.0, 2.0)
    with torch.no_grad():
        expected = network(share * images + (1 - share) * torch.roll(images, 1, 0))
    assert torch.allclose(logits, expected, atol=1e-4)
