"""Source-free adaptation to an unlabelled target: the training steps of LEAD.

Three losses against a frozen classifier; C_t is estimated every ten epochs. The loop around them is
`lead.epochs`. Re-implementation of LEAD (Qu et al., CVPR 2024); verified against the released code
(MIT).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lead.bank import Bank
from lead.decomposition import Decomposition
from lead.epochs import Run, TakeStep, TargetConfig, TargetEpoch, pseudo_label_epochs
from lead.labeller import Labeller
from lead.losses import neighbour_loss, pseudo_label_loss, space_regulariser
from lead.network import Network
from lead.precision import Precision
from lead.pseudo_labels import PseudoLabels
from lead.views import Views


@dataclass(frozen=True)
class Step:
    """Outputs of one optimiser step; B samples, D embedding, C classes.

    Attributes:
        embedding: [B, D] raw, training mode.
        unit: [B, D] of unit length.
        probability: [B, C].
        known_norm, unknown_norm: [B].
        neighbour_indices: [B, 5] bank rows before this step's update, nearest first.
        neighbour_probability: [B, C] mean of ranks 1 to 4.
        losses: [4] pseudo-label, regulariser, neighbours, total.
    """

    embedding: Tensor
    unit: Tensor
    probability: Tensor
    known_norm: Tensor
    unknown_norm: Tensor
    neighbour_indices: Tensor
    neighbour_probability: Tensor
    losses: Tensor


LOSS_NAMES = ("pseudo_label", "regulariser", "neighbours", "total")


def adaptation_step(
    network: Network,
    optimizer: torch.optim.Optimizer,
    images: Tensor,
    rows: Tensor,
    pseudo: PseudoLabels,
    bank: Bank,
    decomposition: Decomposition,
    lambda_psd: float,
    precision: Precision,
) -> Step:
    """One optimiser step of LEAD; the learning rate is the caller's to set.

    Args:
        network: in training mode, classifier frozen.
        optimizer: over its trainable parameters.
        images: [B, 3, H, W] training views.
        rows: [B] their rows in bank and pseudo-labels.
        pseudo: soft_target, confidence_weight and is_unknown are used.
        bank: updated in place.
        decomposition: known and unknown space.
        lambda_psd: weight of the pseudo-label loss.
        precision: how to run the passes.
    """
    with precision.autocast():
        embedding, logits = network(images)
    probability = torch.softmax(logits, dim=1)
    unit = torch.nn.functional.normalize(embedding, dim=1)
    known_norm, unknown_norm = decomposition.norms(unit)
    weight = pseudo.confidence_weight[rows]
    with torch.no_grad():
        neighbour_indices, neighbour_probability = bank.neighbours(unit)
        bank.update(rows, unit, probability)
    label_term = pseudo_label_loss(probability, pseudo.soft_target[rows], weight)
    space_term = space_regulariser(known_norm, unknown_norm, pseudo.is_unknown[rows], weight)
    neighbour_term = neighbour_loss(probability, neighbour_probability)
    total = lambda_psd * label_term + space_term + neighbour_term
    precision.step(total, optimizer)
    return Step(
        embedding.detach(),
        unit.detach(),
        probability.detach(),
        known_norm.detach(),
        unknown_norm.detach(),
        neighbour_indices,
        neighbour_probability,
        torch.stack([label_term, space_term, neighbour_term, total]).detach(),
    )


def adapt_target(
    network: Network,
    views: Views,
    config: TargetConfig,
    *,
    state: Mapping[str, Any] | None = None,
) -> Iterator[TargetEpoch]:
    """Adapt a source-trained network in place; yields epoch 0 (the source model), then each epoch.

    Args:
        network: source-trained, on the device of `views`.
        views: target images, or features of them; no labels.
        config: settings.
        state: of a `TargetEpoch`, to go on after it with the same results; epochs up to it are
            neither recomputed nor yielded.

    Raises:
        TooFewImagesError: fewer images than a batch.
        DivergedError: losses or features are no longer finite.
    """

    def begin() -> tuple[Labeller, TakeStep[PseudoLabels]]:
        labeller = Labeller(
            network.classifier.class_weights,
            every=config.reestimate_every,
            estimator=config.cluster_estimator,
            subsample=config.subsample_estimation,
            confident_weight=config.confident_weight,
        )

        def take_step(
            run: Run, images: Tensor, rows: Tensor, pseudo: PseudoLabels, bank: Bank
        ) -> Tensor:
            return adaptation_step(
                network,
                run.optimizer,
                images,
                rows,
                pseudo,
                bank,
                labeller.decomposition,
                config.lambda_psd,
                run.precision,
            ).losses

        return labeller, take_step

    return pseudo_label_epochs(network, views, config, begin, LOSS_NAMES, state=state)
