"""The network of a classification: a backbone and one linear layer."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from torch import Tensor, nn

from genmix_da.classify.task import ClassifyTask, ScoringTask
from genmix_da.runs.provenance import provenance
from genmix_da.runs.seal import SCHEMA
from lead.backbones import build_backbone
from lead.seeds import derive
from lead.shards import share_out


class ClassifierNetwork(nn.Module):
    """Backbone and linear classifier.

    Args:
        backbone: module that maps images [B, 3, H, W] to features [B, F].
        feature_dim: F.
        class_count: C.
    """

    def __init__(self, backbone: nn.Module, feature_dim: int, class_count: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = nn.Linear(feature_dim, class_count)
        nn.init.zeros_(self.head.bias)

    def forward(self, images: Tensor) -> Tensor:
        """Images [B, 3, H, W] -> logits [B, C], float32."""
        features = self.backbone(images)
        # In float32 whatever the backbone ran in: softmax of near ties hangs on fine differences.
        with torch.autocast(images.device.type, enabled=False):
            logits: Tensor = self.head(features.float())
            return logits


def build_network(task: ScoringTask, weights: str) -> ClassifierNetwork:
    """A network for the task, its new layers initialised from the seed.

    Args:
        task: backbone, classes and device.
        weights: "imagenet", "none" or a file; "none" where a checkpoint is loaded next.
    """
    config = task.config
    torch.manual_seed(derive(config.seed, "initialisation"))
    backbone = build_backbone(config.backbone, weights=weights, arguments=config.backbone_arguments)
    network = ClassifierNetwork(backbone.module, backbone.feature_dim, len(task.classes))
    layout = torch.channels_last if config.channels_last else torch.contiguous_format
    network.to(task.device, memory_format=layout)  # type: ignore[call-overload]
    share_out(network.backbone, task.device)
    return network


def describe_network(task: ClassifyTask) -> dict[str, Any]:
    """What a checkpoint needs to be used again: classes, backbone, preprocessing, provenance."""
    config = task.config
    return {
        "schema": SCHEMA,
        "stage": "classifier",
        "classes": list(task.classes),
        "backbone": config.backbone,
        "backbone_arguments": config.backbone_arguments,
        "preprocessing": dataclasses.asdict(task.preprocessing),
        "synthetic": task.synthetic,
        "provenance": provenance() | {"data": task.train.decoded.fingerprint},
    }
