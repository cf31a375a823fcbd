"""Layout of the network."""

import pytest
import torch
from torch import nn

from lead.network import Network, to_device


def make_network() -> Network:
    torch.manual_seed(0)
    return Network(nn.Linear(6, 5), 5, 3, 4)


def trainable(network: Network) -> int:
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


def test_forward_is_backbone_bottleneck_and_normalised_classifier() -> None:
    network = make_network().eval()
    network.bottleneck.norm.running_mean += 0.3
    inputs = torch.randn(7, 6, generator=torch.Generator().manual_seed(1))
    embedding, logits = network(inputs)

    linear, norm = network.bottleneck.linear, network.bottleneck.norm
    hidden = network.backbone(inputs) @ linear.weight.T + linear.bias
    expected = (hidden - norm.running_mean) / torch.sqrt(norm.running_var + 1e-5)
    torch.testing.assert_close(embedding, expected)

    parts = network.classifier.linear.parametrizations.weight
    gain, direction = parts.original0, parts.original1
    rows = gain * direction / direction.norm(dim=1, keepdim=True)
    torch.testing.assert_close(network.classifier.class_weights, rows.detach())
    torch.testing.assert_close(logits, embedding @ rows.T + network.classifier.linear.bias)


def test_embedding_has_256_dimensions_unless_told() -> None:
    embedding, logits = Network(nn.Identity(), 5, 3).eval()(torch.zeros(2, 5))
    assert embedding.shape == (2, 256)
    assert logits.shape == (2, 3)
    assert embedding.dtype == logits.dtype == torch.float32


def test_biases_start_at_zero() -> None:
    network = make_network()
    assert not network.bottleneck.linear.bias.any()
    assert not network.classifier.linear.bias.any()


def test_bottleneck_starts_with_xavier_weights() -> None:
    torch.manual_seed(0)
    weight = Network(nn.Identity(), 400, 3).bottleneck.linear.weight
    # Torch's default would be 0.029; 100 000 values fix the deviation to a fraction of a percent.
    assert weight.std().item() == pytest.approx((2 / (400 + 256)) ** 0.5, rel=0.01)


def test_freezing_leaves_the_rest_trainable() -> None:
    network = make_network()
    # backbone 35, bottleneck 24 + 8, classifier 3 + 12 + 3
    assert trainable(network) == 85
    network.freeze_classifier()
    assert trainable(network) == 67
    assert not network.classifier.class_weights.requires_grad


def test_convolutions_become_channels_last() -> None:
    network = Network(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten()), 4, 2, 3)
    moved = to_device(network, torch.device("cpu"))
    assert moved is network
    assert network.backbone[0].weight.is_contiguous(memory_format=torch.channels_last)
