"""Source-free adaptation to an unlabelled target: the training loop of LEAD.

Each epoch: pseudo-label every sample from the last evaluation pass, train on augmented views with
three losses against a frozen classifier, evaluate once (that pass scores this epoch and labels the
next). C_t is estimated every ten epochs. No target label enters this module.
Re-implementation of LEAD (Qu et al., CVPR 2024); verified against the released code (MIT).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lead.bank import Bank
from lead.clusters import ClusterEstimate
from lead.decomposition import Decomposition
from lead.epoch_state import EpochState
from lead.errors import DivergedError
from lead.evaluation import Evaluation, evaluate
from lead.labeller import Labeller
from lead.losses import neighbour_loss, pseudo_label_loss, space_regulariser
from lead.network import Network
from lead.precision import Precision
from lead.pseudo_labels import PseudoLabels
from lead.schedule import BACKBONE_FACTOR, build_optimizer, set_learning_rate
from lead.seeds import seed_epoch
from lead.views import Views


@dataclass(frozen=True)
class TargetConfig:
    """Settings of LEAD; defaults as published for Office-Home.

    Attributes:
        epochs: passes over the target.
        batch_size: images a step; the last, smaller batch of an epoch is dropped.
        learning_rate: base rate of the bottleneck (the classifier is frozen).
        backbone_factor: multiplies the backbone's rate.
        lambda_psd: weight of the pseudo-label loss.
        reestimate_every: epochs between two estimates of C_t.
        cluster_estimator: "tsne" (published) or "features".
        subsample_estimation: estimate C_t on a third of the samples (published for VisDA-C).
        confident_weight: "released" or "paper", see `assign_pseudo_labels`.
        seed: of batch order, crops and flips.
        mixed_precision: on CUDA.
    """

    epochs: int = 50
    batch_size: int = 64
    learning_rate: float = 0.001
    backbone_factor: float = BACKBONE_FACTOR
    lambda_psd: float = 2.0
    reestimate_every: int = 10
    cluster_estimator: str = "tsne"
    subsample_estimation: bool = False
    confident_weight: str = "released"
    seed: int = 2021
    mixed_precision: bool = True


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


@dataclass(frozen=True)
class TargetEpoch:
    """What one finished epoch yields. Epoch 0 is the source model before adaptation.

    Attributes:
        epoch: counted from 1; 0 is the source model.
        evaluation: features and probabilities after this epoch.
        losses: mean of each loss; empty at epoch 0.
        learning_rate: of the last step's bottleneck; 0 at epoch 0.
        pseudo_labels: used by this epoch; None at epoch 0.
        cluster_count: C_t used by this epoch; 0 at epoch 0.
        estimate: the search for C_t, in the epochs that made one.
        seconds: wall time of "estimate", "train" and "evaluate".
        state: call it for the training state to save, before the next epoch is asked for.
    """

    epoch: int
    evaluation: Evaluation
    losses: dict[str, float]
    learning_rate: float
    pseudo_labels: PseudoLabels | None
    cluster_count: int
    estimate: ClusterEstimate | None
    seconds: dict[str, float]
    state: Callable[[], dict[str, Any]]


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
    network.freeze_classifier()
    optimizer = build_optimizer(
        network, config.learning_rate, backbone_factor=config.backbone_factor
    )
    precision = Precision(views.device, mixed=config.mixed_precision)
    progress = EpochState(network, optimizer, precision, state)
    labeller = Labeller(
        network.classifier.class_weights,
        every=config.reestimate_every,
        estimator=config.cluster_estimator,
        subsample=config.subsample_estimation,
        confident_weight=config.confident_weight,
    )
    if state is None:
        started = time.perf_counter()
        current = evaluate(network, views, precision=precision)
        seconds = {"evaluate": time.perf_counter() - started}
        taken = progress.after(0, partial(labeller.state, current))
        yield TargetEpoch(0, current, {}, 0.0, None, 0, None, seconds, taken)
    else:
        labeller.coefficient = float(state["coefficient"])
        kept = (state[name].to(views.device) for name in ("features", "probability"))
        current = Evaluation(*kept)
    train_epoch = partial(
        _train_epoch, network, optimizer, views, labeller.decomposition, config, precision
    )
    for epoch in range(progress.done + 1, config.epochs + 1):
        started = time.perf_counter()
        estimate = labeller.estimate(current, epoch)
        estimated = time.perf_counter()
        pseudo = labeller.label(current)
        losses, rate = train_epoch(pseudo, current, epoch)
        trained = time.perf_counter()
        current = evaluate(network, views, precision=precision)
        seconds = {
            "estimate": estimated - started,
            "train": trained - estimated,
            "evaluate": time.perf_counter() - trained,
        }
        yield TargetEpoch(
            epoch,
            current,
            losses,
            rate,
            pseudo,
            labeller.cluster_count,
            estimate,
            seconds,
            progress.after(epoch, partial(labeller.state, current)),
        )


def _train_epoch(
    network: Network,
    optimizer: torch.optim.SGD,
    views: Views,
    decomposition: Decomposition,
    config: TargetConfig,
    precision: Precision,
    pseudo: PseudoLabels,
    start: Evaluation,
    epoch: int,
) -> tuple[dict[str, float], float]:
    """One pass of training; returns the mean losses and the last learning rate."""
    bank = Bank(start.features.clone(), start.probability.clone())
    draw = seed_epoch(config.seed, "target", epoch)
    steps = len(views) // config.batch_size
    losses, rate = [], 0.0
    network.train()
    loaded = views.training_batches(config.batch_size, draw)
    for step, (rows, images) in enumerate(loaded, start=1):
        rate = set_learning_rate(optimizer, (epoch - 1) * steps + step, config.epochs * steps)
        done = adaptation_step(
            network,
            optimizer,
            images,
            rows,
            pseudo,
            bank,
            decomposition,
            config.lambda_psd,
            precision,
        )
        losses.append(done.losses)
    means = torch.stack(losses).double().mean(dim=0).tolist()
    if not np.isfinite(means[-1]):
        raise DivergedError(
            f"adaptation diverged in epoch {epoch} (loss {means[-1]}); lower the learning rate"
        )
    return dict(zip(LOSS_NAMES, means, strict=True)), rate
