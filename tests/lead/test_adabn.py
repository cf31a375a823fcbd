"""Batch norm statistics taken from the target."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import lead.adabn
from lead.adabn import adapt_batch_norm
from lead.crops import VIEW_COUNT
from lead.feature_views import FeatureViews
from lead.network import Network
from lead.seeds import seed_epoch
from lead.views import ImageViews, Preprocessing

CPU = torch.device("cpu")


def make_network() -> Network:
    """Two batch norms and a dropout in the backbone."""
    torch.manual_seed(0)
    backbone = nn.Sequential(
        nn.BatchNorm2d(3, momentum=0.3),
        nn.Conv2d(3, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Flatten(),
        nn.Linear(4 * 2 * 2, 8),
    )
    network = Network(backbone, 8, 3, 5)
    with torch.no_grad():  # as training on a source would leave them
        for layer in norms(network):
            layer.running_mean.add_(0.3)
            layer.running_var.mul_(1.7)
            layer.weight.uniform_(0.5, 1.5)
            layer.num_batches_tracked.add_(100)
    return network


def norms(network: Network) -> list[nn.Module]:
    return [m for m in network.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]


def make_views(count: int = 20) -> ImageViews:
    images = np.random.default_rng(0).integers(0, 200, (count, 6, 6, 3), dtype=np.uint8)
    return ImageViews(images, Preprocessing(image_size=4, resize_size=6), CPU)


def statistics(network: Network) -> dict[str, torch.Tensor]:
    return {n: b.clone() for n, b in network.named_buffers() if "running" in n}


@torch.no_grad()
def outputs(network: Network, views: ImageViews | FeatureViews) -> torch.Tensor:
    """Outputs of the bottleneck's linear layer for every view of every image, float64."""
    network.eval()
    inputs = torch.cat([batch.flatten(0, 1) for batch in views.view_batches()])
    return network.bottleneck.linear(network.backbone(inputs)).double()


def assert_exact(network: Network, views: ImageViews | FeatureViews) -> None:
    """The bottleneck's statistics are those of all views of all images."""
    values = outputs(network, views)
    norm = network.bottleneck.norm
    torch.testing.assert_close(norm.running_mean, values.mean(dim=0).float(), atol=1e-6, rtol=1e-5)
    variance = values.var(dim=0, correction=0).float()
    torch.testing.assert_close(norm.running_var, variance, atol=1e-6, rtol=1e-5)


def test_bottleneck_statistics_are_those_of_all_views() -> None:
    network, views = make_network(), make_views()
    adapt_batch_norm(network, views)
    assert len(outputs(network, views)) == 20 * VIEW_COUNT
    assert_exact(network, views)


@pytest.mark.parametrize("views", [1, 3])
def test_a_backbone_without_batch_norm(views: int) -> None:
    features = np.random.default_rng(0).normal(5, 2, (300, views, 8)).astype(np.float32)
    network = Network(nn.Identity(), 8, 3, 5)
    target = FeatureViews(features, CPU)
    adapt_batch_norm(network, target)
    assert_exact(network, target)


def test_a_mean_far_from_0_does_not_blur_the_variance() -> None:
    features = np.random.default_rng(0).normal(1000, 1, (300, 2, 8)).astype(np.float32)
    network = Network(nn.Identity(), 8, 3, 5)
    target = FeatureViews(features, CPU)
    adapt_batch_norm(network, target)
    variance = outputs(network, target).var(dim=0, correction=0)
    torch.testing.assert_close(
        network.bottleneck.norm.running_var.double(), variance, rtol=1e-5, atol=0
    )


def test_backbone_statistics_are_the_mean_over_shuffled_batches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lead.adabn, "BATCH", 6)
    network, views = make_network(), make_views()
    adapt_batch_norm(network, views, seed=5)
    batches = [b for _, b in views.training_batches(6, seed_epoch(5, "adabn", 1))]
    assert len(batches) == 3
    first = network.backbone[0]
    means = torch.stack([b.mean(dim=(0, 2, 3)) for b in batches])
    variances = torch.stack([b.var(dim=(0, 2, 3)) for b in batches])  # unbiased, as torch keeps it
    torch.testing.assert_close(first.running_mean, means.mean(dim=0))
    torch.testing.assert_close(first.running_var, variances.mean(dim=0))


def test_every_batch_norm_is_changed_and_nothing_is_trained() -> None:
    network = make_network()
    before, weights = statistics(network), [p.clone() for p in network.parameters()]
    adapt_batch_norm(network, make_views())
    for name, values in statistics(network).items():
        assert not torch.equal(values, before[name]), name
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), weights, strict=True))
    assert all(p.grad is None and p.requires_grad for p in network.parameters())


def test_momentum_and_evaluation_mode_are_as_before() -> None:
    network = make_network().train()
    adapt_batch_norm(network, make_views())
    assert [layer.momentum for layer in norms(network)] == [0.3, 0.1, 0.1]
    assert not any(module.training for module in network.modules())


def test_momentum_is_restored_after_an_error() -> None:
    class Broken(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("out of memory")

    network = make_network()
    network.backbone.append(Broken())
    with pytest.raises(RuntimeError, match="out of memory"):
        adapt_batch_norm(network, make_views())
    assert [layer.momentum for layer in norms(network)] == [0.3, 0.1, 0.1]
    assert not any(layer.training for layer in norms(network))


def test_the_seed_alone_decides() -> None:
    def adapted(seed: int) -> dict[str, torch.Tensor]:
        network = make_network()
        torch.manual_seed(seed + 77)
        adapt_batch_norm(network, make_views(), seed=seed)
        return statistics(network)

    first, same, other = adapted(1), adapted(1), adapted(2)
    assert all(torch.equal(first[name], same[name]) for name in first)
    assert not torch.equal(first["backbone.0.running_mean"], other["backbone.0.running_mean"])


def test_a_second_time_gives_the_same() -> None:
    network, views = make_network(), make_views()
    adapt_batch_norm(network, views)
    once = statistics(network)
    adapt_batch_norm(network, views)
    for name, values in statistics(network).items():
        torch.testing.assert_close(values, once[name])


def test_one_image_leaves_the_backbone_alone() -> None:
    network, views = make_network(), make_views(1)
    before = statistics(network)
    adapt_batch_norm(network, views)
    for name, values in statistics(network).items():
        assert torch.equal(values, before[name]) == name.startswith("backbone"), name
    assert_exact(network, views)
    assert torch.isfinite(network(next(views.evaluation_batches(1)))[1]).all()
