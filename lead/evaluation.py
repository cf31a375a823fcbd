"""Passes over a set of images: features and probabilities of every sample."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lead.network import Network
from lead.precision import Precision
from lead.pseudo_labels import require_finite, unit_features
from lead.views import Views

EVALUATION_BATCH = 128


@dataclass(frozen=True)
class Evaluation:
    """Outputs of the network in evaluation mode; serves scoring and the next pseudo-labels.

    Attributes:
        features: [N, D] unit features.
        probability: [N, C] softmax outputs.
        raw: [N, F] float32 backbone features on the CPU, for `lead.graph`; None where an earlier
            pass was read back from a training state.
    """

    features: Tensor
    probability: Tensor
    raw: Tensor | None = None


@torch.no_grad()
def evaluate(
    network: Network,
    views: Views,
    *,
    precision: Precision | None = None,
    batch_size: int = EVALUATION_BATCH,
) -> Evaluation:
    """Run the network over the evaluation views of all samples.

    Raises:
        DivergedError: the network gives values that are not finite.
    """
    precision = precision or Precision(views.device)
    network.eval()
    features, probability, raw = [], [], []
    for images in views.evaluation_batches(batch_size):
        with precision.autocast():
            backbone_features = network.backbone(images)
        embedding, logits = network.heads(backbone_features)
        raw.append(backbone_features.float().cpu())
        features.append(unit_features(embedding))
        probability.append(torch.softmax(logits, dim=1))
    return Evaluation(torch.cat(features), torch.cat(probability), torch.cat(raw))


@dataclass(frozen=True)
class Observation:
    """What a network sees in N images over several views each, for `lead.graph`.

    Attributes:
        features: [N, F] raw backbone features on the CPU, float32, the mean over the views.
        probability: [N, C] float32, the mean softmax over the views.
    """

    features: Tensor
    probability: Tensor


@torch.no_grad()
def observe(
    network: Network,
    views: Views,
    *,
    all_views: bool = True,
    precision: Precision | None = None,
) -> Observation:
    """Run the network over the fixed views of all samples.

    Args:
        network: on the device of `views`.
        views: samples.
        all_views: False takes the evaluation view alone.
        precision: how to run the passes.

    Raises:
        DivergedError: the network gives values that are not finite.
    """
    precision = precision or Precision(views.device)
    network.eval()
    batches = (
        views.view_batches()
        if all_views
        else (batch.unsqueeze(1) for batch in views.evaluation_batches(EVALUATION_BATCH))
    )
    features, probability = [], []
    for batch in batches:
        shape = batch.shape[:2]  # [B, V]
        with precision.autocast():
            raw = network.backbone(batch.flatten(0, 1)).float()
        _, logits = network.heads(raw)
        features.append(raw.reshape(*shape, -1).mean(dim=1).cpu())
        probability.append(torch.softmax(logits, dim=1).reshape(*shape, -1).mean(dim=1))
    seen = Observation(torch.cat(features), torch.cat(probability))
    require_finite(seen.features, "feature")
    require_finite(seen.probability, "probability")
    return seen
