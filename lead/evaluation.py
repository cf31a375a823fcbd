"""One evaluation pass over a set of images: features and probabilities of every sample."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lead.network import Network
from lead.precision import Precision
from lead.pseudo_labels import unit_features
from lead.views import Views

EVALUATION_BATCH = 128


@dataclass(frozen=True)
class Evaluation:
    """Outputs of the network in evaluation mode; serves scoring and the next pseudo-labels.

    Attributes:
        features: [N, D] unit features.
        probability: [N, C] softmax outputs.
    """

    features: Tensor
    probability: Tensor


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
    features, probability = [], []
    for images in views.evaluation_batches(batch_size):
        with precision.autocast():
            embedding, logits = network(images)
        features.append(unit_features(embedding))
        probability.append(torch.softmax(logits, dim=1))
    return Evaluation(torch.cat(features), torch.cat(probability))
