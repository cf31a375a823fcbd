"""The losses of LEAD: label-smoothed cross-entropy for the source, three terms for the target.

The target total is lambda_psd * pseudo-label + regulariser + neighbours (LEAD, CVPR 2024,
Sec. 3.4).
Re-implementation; verified against the authors' released code (MIT).
"""

from __future__ import annotations

import torch
from torch import Tensor

LOG_EPSILON = 1e-5
"""Added inside every logarithm of a target loss, as in the released code."""


def smoothed_cross_entropy(
    inputs: Tensor,
    targets: Tensor,
    epsilon: float = 0.1,
    *,
    inputs_are: str = "logits",
    reduction: str = "mean",
) -> Tensor:
    """Cross-entropy with label smoothing (Szegedy et al., CVPR 2016).

    The target distribution is (1 - epsilon) * one-hot + epsilon / C.

    Args:
        inputs: [B, C] logits or probabilities.
        targets: [B] class indices, or [B, C] one-hot.
        epsilon: smoothing in [0, 1).
        inputs_are: "logits" or "probabilities". Probabilities of exactly 0 are raised to the
            smallest normal number: finite where the released code gives inf or NaN.
        reduction: "mean" (scalar) or "none" ([B]).

    Raises:
        ValueError: unknown `inputs_are` or `reduction`.
    """
    if inputs_are == "logits":
        log_probability = torch.log_softmax(inputs, dim=-1)
    elif inputs_are == "probabilities":
        log_probability = torch.log(inputs.clamp_min(torch.finfo(inputs.dtype).tiny))
    else:
        raise ValueError(f"inputs_are must be 'logits' or 'probabilities', not {inputs_are!r}")
    if targets.shape != inputs.shape:
        targets = torch.nn.functional.one_hot(targets, inputs.shape[-1])
    smoothed = (1.0 - epsilon) * targets.to(inputs.dtype) + epsilon / inputs.shape[-1]
    loss = -(smoothed * log_probability).sum(dim=-1)  # [B]
    if reduction == "mean":
        return loss.mean()
    if reduction == "none":
        return loss
    raise ValueError(f"reduction must be 'mean' or 'none', not {reduction!r}")


def pseudo_label_loss(probability: Tensor, soft_target: Tensor, weight: Tensor) -> Tensor:
    """Confidence-weighted cross-entropy with the pseudo-labels.

    Args:
        probability: [B, C] softmax outputs.
        soft_target: [B, C] rows that sum to about 1; uniform for unknown samples.
        weight: [B] confidence of each pseudo-label in [0, 1].

    Returns:
        Scalar: mean over the batch of weight * sum_c(-soft_target * log(probability + 1e-5)).
    """
    cross_entropy = -(soft_target * torch.log(probability + LOG_EPSILON)).sum(dim=-1)  # [B]
    return (weight * cross_entropy).mean()


def space_regulariser(
    known_norm: Tensor, unknown_norm: Tensor, is_unknown: Tensor, weight: Tensor
) -> Tensor:
    """Pull known samples into the known space and unknown ones into the unknown space.

    The two lengths lie in [0, 1], so the softmax over them stays in [0.27, 0.73] and the loss of a
    sample with weight 1 never falls below 0.313.

    Args:
        known_norm: [B] length of the unit embedding in the known space.
        unknown_norm: [B] length in the unknown space.
        is_unknown: [B] bool, pseudo-label is unknown.
        weight: [B] confidence of each pseudo-label.

    Returns:
        Scalar: mean of weight * -log(softmax of the two lengths at the pseudo-labelled space).
    """
    space = torch.softmax(torch.stack([known_norm, unknown_norm], dim=-1), dim=-1)  # [B, 2]
    chosen = space.gather(1, is_unknown.long().unsqueeze(1)).squeeze(1)  # [B]
    return (weight * -torch.log(chosen + LOG_EPSILON)).mean()


def neighbour_loss(probability: Tensor, neighbour_probability: Tensor) -> Tensor:
    """Agreement with the mean prediction of the nearest bank rows.

    Args:
        probability: [B, C] softmax outputs.
        neighbour_probability: [B, C] mean bank probability of the neighbours; no gradient.

    Returns:
        Scalar cross-entropy, mean over the batch.
    """
    cross_entropy = -(neighbour_probability * torch.log(probability + LOG_EPSILON)).sum(dim=-1)
    return cross_entropy.mean()
