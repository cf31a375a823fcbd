"""The optimiser and learning-rate schedule of the source and the target stage.

lr = lr0 * (1 + 10 * i / max_i)^-0.75, i counted from 1 over all steps; SGD with Nesterov momentum
0.9 and weight decay 1e-3; the backbone learns at a tenth of the head's rate. Figures from the
released LEAD code (MIT), after Ganin et al., 2015.
"""

from __future__ import annotations

import torch
from torch.optim import SGD

from lead.network import HeadedNetwork

MOMENTUM = 0.9
WEIGHT_DECAY = 1e-3
BACKBONE_FACTOR = 0.1


def decay(iteration: int, max_iteration: int) -> float:
    """Factor on the base learning rate at step `iteration` of `max_iteration`."""
    return float((1.0 + 10.0 * iteration / max_iteration) ** -0.75)


def build_optimizer(
    network: HeadedNetwork,
    learning_rate: float,
    *,
    backbone_factor: float = BACKBONE_FACTOR,
    weight_decay: float = WEIGHT_DECAY,
) -> SGD:
    """SGD over the parameters that require gradients; `base_lr` is kept in each group.

    Args:
        network: its frozen parameters (the classifier in the target stage) are left out.
        learning_rate: of the heads.
        backbone_factor: multiplies the backbone's rate.
        weight_decay: of all.
    """
    backbone = [p for p in network.backbone.parameters() if p.requires_grad]
    head = [
        p
        for name, part in network.named_children()
        if name != "backbone"
        for p in part.parameters()
        if p.requires_grad
    ]
    groups = [
        {"params": backbone, "base_lr": learning_rate * backbone_factor},
        {"params": head, "base_lr": learning_rate},
    ]
    return torch.optim.SGD(
        [group for group in groups if group["params"]],
        lr=learning_rate,
        momentum=MOMENTUM,
        weight_decay=weight_decay,
        nesterov=True,
    )


def set_learning_rate(optimizer: SGD, iteration: int, max_iteration: int) -> float:
    """Set every group's rate for 1-based step `iteration`; returns the last group's, the head's."""
    factor = decay(iteration, max_iteration)
    for group in optimizer.param_groups:
        group["lr"] = group["base_lr"] * factor
    return float(optimizer.param_groups[-1]["lr"])
