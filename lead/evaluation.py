"""Passes over a set of images: features and probabilities of every sample."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lead.large import Rows
from lead.network import HeadedNetwork
from lead.precision import Precision
from lead.pseudo_labels import require_finite, unit_features
from lead.scores import normalised_entropy
from lead.views import EvaluationViews, Views

EVALUATION_BATCH = 128


@dataclass(frozen=True)
class Evaluation:
    """Outputs of the network in evaluation mode; serves scoring and the next pseudo-labels.

    Attributes:
        features: [N, D] unit features.
        probability: [N, C] softmax outputs.
        raw: [N, F] float32 backbone features on the CPU, for `lead.graph`; None where an earlier
            pass was read back from a training state.
        own_uncertainty: [N] of a network whose uncertainty is not the entropy; else None.
    """

    features: Tensor
    probability: Tensor
    raw: Tensor | None = None
    own_uncertainty: Tensor | None = None

    @property
    def uncertainty(self) -> Tensor:
        """[N] in [0, 1], what is rejected by: the network's own, else the normalised entropy."""
        if self.own_uncertainty is not None:
            return self.own_uncertainty
        return normalised_entropy(self.probability)


@torch.no_grad()
def evaluate(
    network: HeadedNetwork,
    views: EvaluationViews,
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
    embeddings, outputs, raw = Rows(), Rows(), Rows()
    for images in views.evaluation_batches(batch_size):
        with precision.autocast():
            backbone_features = network.backbone(images)
        embedding, output = network.heads(backbone_features)
        raw.append(backbone_features.float().cpu())
        embeddings.append(embedding)
        outputs.append(output)
    embedding = embeddings.whole()
    probability, uncertainty = network.judge(embedding, outputs.whole())
    return Evaluation(unit_features(embedding), probability, raw.whole(), uncertainty)


@dataclass(frozen=True)
class Observation:
    """What a network sees in N images over several views each, for `lead.graph`.

    Attributes:
        features: [N, F] raw backbone features on the CPU, float32, the mean over the views.
        probability: [N, C] float32, the mean over the views.
        own_uncertainty: [N], the mean over the views, of a network whose uncertainty is not the
            entropy; else None.
    """

    features: Tensor
    probability: Tensor
    own_uncertainty: Tensor | None = None


@torch.no_grad()
def observe(
    network: HeadedNetwork,
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
    features, probability, uncertainty = Rows(), Rows(), Rows()
    sets = Rows(), Rows()

    def judge(embedding: Tensor, outputs: Tensor) -> None:
        given, own = _over_views(network, embedding, outputs)
        probability.append(given)
        if own is not None:
            uncertainty.append(own)

    for batch in batches:
        shape = batch.shape[:2]  # [B, V]
        with precision.autocast():
            raw = network.backbone(batch.flatten(0, 1)).float()
        features.append(raw.reshape(*shape, -1).mean(dim=1).cpu())
        given = [part.reshape(*shape, -1) for part in network.heads(raw)]
        if network.judges_sets:
            for rows, part in zip(sets, given, strict=True):
                rows.append(part)
        else:
            judge(*given)
    if network.judges_sets:
        judge(*(rows.whole() for rows in sets))
    own = uncertainty.whole() if len(uncertainty) else None
    seen = Observation(features.whole(), probability.whole(), own)
    require_finite(seen.features, "feature")
    require_finite(seen.probability, "probability")
    return seen


def _over_views(
    network: HeadedNetwork, embedding: Tensor, outputs: Tensor
) -> tuple[Tensor, Tensor | None]:
    """What a network says of [B, V, ...], each view judged by itself: the mean of all views."""
    views = zip(embedding.unbind(dim=1), outputs.unbind(dim=1), strict=True)
    probability, uncertainty = zip(*(network.judge(*view) for view in views), strict=True)
    own = None if uncertainty[0] is None else torch.stack(uncertainty, dim=1).mean(dim=1)
    return torch.stack(probability, dim=1).mean(dim=1), own
