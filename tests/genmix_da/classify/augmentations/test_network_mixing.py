"""A look at the network: saliency by its formula, and the network left as it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from genmix_da.classify.augmentations import (
    AUGMENTATIONS,
    Augmentation,
    acts_inside,
    find_augmentation,
    required_options,
)
from genmix_da.classify.augmentations.network_mixing import (
    evaluating,
    gradient_saliency,
    shares,
)
from lead.backbones import build_backbone

Make = Callable[..., Augmentation]
ASKING = [("snapmix", {}), ("puzzlemix", {}), ("comixup", {}), ("guidedmixup", {"saliency": "ap"})]
asking = pytest.mark.parametrize(("name", "options"), ASKING)


class Network(nn.Module):
    """timm's smallest network, with dropout, batch norm and a head."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        built = build_backbone(
            "timm:test_efficientnet", weights="none", arguments={"drop_rate": 0.2}
        )
        self.backbone = built.module
        self.head = nn.Linear(built.feature_dim, 5)
        self.seen: list[tuple[bool, int]] = []

    def forward(self, images: Tensor) -> Tensor:
        self.seen.append((self.training, len(images)))
        logits: Tensor = self.head(self.backbone(images))
        return logits


@pytest.fixture
def network() -> Network:
    return Network().train()


def test_saliency_is_the_gradient_of_a_linear_network() -> None:
    """Logits (w . x, 0), so that dL/dx = (p - y) w: by hand."""

    class Linear(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            score = (images * weight).sum((1, 2, 3))
            return torch.stack([score, torch.zeros_like(score)], 1)

    weight = torch.tensor([[[1.0, 2.0]], [[2.0, 0.0]], [[-2.0, 0.0]]])  # [3, 1, 2]
    images = torch.zeros(2, 3, 1, 2)
    found = gradient_saliency(Linear(), images, torch.tensor([[1.0, 0.0], [0.25, 0.75]]))
    # p is a half: |p - y| is a half and a quarter; the root mean squares of w are sqrt 3, sqrt 4/3.
    by_hand = torch.tensor([[[3.0, 4.0 / 3.0]]]).sqrt() * torch.tensor([0.5, 0.25]).view(2, 1, 1)
    assert torch.allclose(found, by_hand, atol=1e-6)


def test_saliency_leaves_no_trace(network: Network, batch: Any) -> None:
    images, weights = batch(4, 64)
    network.backbone.get_submodule("blocks.0").eval()
    modes = [module.training for module in network.modules()]
    before = {key: value.clone() for key, value in network.state_dict().items()}
    state = torch.get_rng_state()
    network.head.weight.grad = torch.ones_like(network.head.weight)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        found = gradient_saliency(network, images, weights)
    assert found.dtype == torch.float32
    assert network.seen == [(False, 4)]
    assert torch.equal(state, torch.get_rng_state())
    assert modes == [module.training for module in network.modules()]
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())
    grads = [p.grad is not None for p in network.parameters()]
    assert sum(grads) == 1
    assert torch.equal(network.head.weight.grad, torch.ones_like(network.head.weight))
    assert images.grad is None
    assert not images.requires_grad


def test_modes_come_back_when_the_network_fails(network: Network) -> None:
    with pytest.raises(RuntimeError), evaluating(network):
        assert not network.backbone.training
        raise RuntimeError("out of memory")
    assert all(module.training for module in network.modules())


def test_shares_of_nothing_are_even() -> None:
    maps = torch.stack([torch.zeros(2, 2), torch.tensor([[1.0, 0.0], [0.0, 3.0]])])
    assert shares(maps).tolist() == [[[0.25, 0.25], [0.25, 0.25]], [[0.25, 0.0], [0.0, 0.75]]]


@asking
def test_a_step_of_training(
    name: str, options: dict[str, Any], network: Network, make: Make, batch: Any
) -> None:
    """One pass in training mode, of the mixture; statistics of batch norm count it once."""
    images, weights = batch(4, 64)
    kept = (images.clone(), weights.clone())
    augmentation = make(name, 64, options | {"probability": 1})
    counted = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    logits, labels = augmentation.forward(network, images, weights, np.random.default_rng(0))
    assert [training for training, _ in network.seen][-1]
    assert sum(training for training, _ in network.seen) == 1
    assert {int(module.num_batches_tracked) for module in counted} == {1}
    assert logits.requires_grad
    assert not labels.requires_grad
    nn.functional.cross_entropy(logits, labels).backward()
    assert all(p.grad is not None for p in network.head.parameters())
    assert torch.equal(images, kept[0])
    assert torch.equal(weights, kept[1])


@asking
def test_same_draw_same_bits_in_training(
    name: str, options: dict[str, Any], make: Make, batch: Any
) -> None:
    """Whatever the generators of torch and numpy hold, but for the network's own dropout."""
    images, weights = batch(5, 64)
    seen = []
    for other in (0, 1):
        network = Network().train()
        torch.manual_seed(other)
        np.random.seed(other)
        mixed: list[Tensor] = []
        network.backbone.register_forward_pre_hook(lambda _, given, m=mixed: m.append(given[0]))
        augmentation = make(name, 64, options | {"probability": 1})
        _, labels = augmentation.forward(network, images, weights, np.random.default_rng(4))
        seen.append((mixed[-1], labels))
    assert torch.equal(seen[0][0], seen[1][0])
    assert torch.equal(seen[0][1], seen[1][1])
    assert not torch.equal(seen[0][0], images)


@asking
def test_probability_zero_asks_nothing(
    name: str, options: dict[str, Any], network: Network, make: Make, batch: Any
) -> None:
    images, weights = batch(4, 64)
    augmentation = make(name, 64, options | {"probability": 0})
    _, labels = augmentation.forward(network, images, weights, np.random.default_rng(0))
    assert labels is weights
    assert network.seen == [(True, 4)]


def test_who_acts_inside_the_network() -> None:
    plain = [name for name in AUGMENTATIONS if not required_options(find_augmentation(name))]
    inside = {name for name in plain if acts_inside(name)}
    assert inside == {
        *("manifold-mixup", "snapmix", "puzzlemix", "comixup", "automix", "adautomix")
    }
    assert acts_inside("guidedmixup", {"saliency": "ap"})
