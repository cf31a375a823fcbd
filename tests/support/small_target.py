"""A tiny network on small images, and its adaptation."""

import numpy as np
import torch
from torch import nn

from lead.epochs import TargetConfig, TargetEpoch
from lead.network import Network
from lead.target import adapt_target
from lead.views import ImageViews, Preprocessing

CLASSES = 4
CPU = torch.device("cpu")


def make_network(seed: int = 0, classes: int = CLASSES, dim: int = 12) -> Network:
    torch.manual_seed(seed)
    backbone = nn.Sequential(
        nn.Conv2d(3, 6, 3, stride=2),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.2),
    )
    return Network(backbone, 24, classes, dim)


def make_views(samples: int = 64, seed: int = 0) -> ImageViews:
    draw = np.random.default_rng(seed)
    images = draw.integers(0, 256, (samples, 16, 16, 3), dtype=np.uint8)
    return ImageViews(images, Preprocessing(image_size=12, resize_size=16), CPU)


def config(**changes) -> TargetConfig:
    # Clustering the features is fast; the published t-SNE estimate has a test of its own.
    plain = {"epochs": 3, "batch_size": 16, "learning_rate": 0.02, "cluster_estimator": "features"}
    return TargetConfig(**plain | changes)


def adapt(settings: TargetConfig) -> tuple[list[TargetEpoch], dict[str, torch.Tensor]]:
    network = make_network()
    return list(adapt_target(network, make_views(), settings)), network.state_dict()


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first)


def assert_same_epoch(first: TargetEpoch, second: TargetEpoch) -> None:
    assert (first.epoch, first.losses, first.learning_rate) == (
        second.epoch,
        second.losses,
        second.learning_rate,
    )
    assert first.cluster_count == second.cluster_count
    assert torch.equal(first.evaluation.features, second.evaluation.features)
    assert torch.equal(first.evaluation.probability, second.evaluation.probability)
    assert first.pseudo_labels is not None and second.pseudo_labels is not None
    assert torch.equal(first.pseudo_labels.label, second.pseudo_labels.label)
