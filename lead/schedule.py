"""The optimiser and learning-rate schedule of the source and the target stage.

lr = lr0 * (1 + 10 * i / max_i)^-0.75, i counted from 1 over all steps; SGD with Nesterov momentum
0.9 and weight decay 1e-3; the backbone learns at a tenth of the head's rate. Figures from the
released LEAD code (MIT), after Ganin et al., 2015.
"""

from __future__ import annotations

from typing import Any

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
    return sgd(
        [group for group in groups if group["params"]],
        learning_rate,
        momentum=MOMENTUM,
        weight_decay=weight_decay,
    )


def sgd(
    groups: list[dict[str, Any]], learning_rate: float, *, momentum: float, weight_decay: float
) -> SGD:
    """SGD, with Nesterov momentum where there is any.

    On a CPU it passes once over the weights (torch's fused kernel), which takes a third of the
    time, for it is bound by memory. Results are the same but for the rounding of the last weights
    of a tensor, which fill no vector.

    Args:
        groups: of parameters, as of torch.
        learning_rate: of groups that name none.
        momentum: 0: none.
        weight_decay: of groups that name none.
    """
    parameters = [p for group in groups for p in group["params"]]
    on_cpu = all(p.device.type == "cpu" for p in parameters)
    optimizer = SGD(
        groups,
        lr=learning_rate,
        momentum=momentum,
        weight_decay=weight_decay,
        nesterov=momentum > 0,
        fused=True if on_cpu else None,
    )
    if on_cpu and momentum:
        # The kernel takes the momenta of all or of none, and some weights may get their first
        # gradient later than others. Zero is where they begin in any case.
        for parameter in parameters:
            optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
    return optimizer


def set_learning_rate(optimizer: SGD, iteration: int, max_iteration: int) -> float:
    """Set every group's rate for 1-based step `iteration`; returns the last group's, the head's."""
    factor = decay(iteration, max_iteration)
    for group in optimizer.param_groups:
        group["lr"] = group["base_lr"] * factor
    return float(optimizer.param_groups[-1]["lr"])
