"""Which estimator of C_t a run can afford: t-SNE may take longer than the epochs that it serves.

Decided by arithmetic from the number of images and the backbone and by no clock, so that a result
hangs neither on the device nor on how busy the machine is. docs/results/scale.md has what was
measured.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from genmix_da.adaptation.config import AdaptConfig
from genmix_da.config_values import AUTO
from lead.clusters import ESTIMATORS

# Target images up to which the published estimate is made of a trained backbone: within a minute,
# and more than any domain of Office-Home has.
TSNE_LIMIT = 5000
SHARE = 0.1  # of the epochs that it serves, which it may take
SERVED = 10  # epochs
# Seconds of the published estimate of N images on one core: TSNE_SECONDS * N ** TSNE_GROWTH.
TSNE_SECONDS, TSNE_GROWTH = 4.4e-4, 1.3
PASSES = 3  # forward passes that a training step is worth
# Multiply-adds a second in training, the most that was seen of one core; the small networks that
# the rule is about are slower.
RATE = 5e10


def multiply_adds(backbone: nn.Module, image_size: int) -> float:
    """Of one image's forward pass: convolutions and matrix products.

    Args:
        backbone: is left on the `meta` device, where a pass works out nothing but shapes.
        image_size: in pixels.

    Returns:
        Their number; infinity where it cannot be told: the module does not run there, or takes no
        images of this size.
    """
    from torch.utils.flop_counter import FlopCounterMode  # here: it is a tenth of a second

    image = torch.empty(1, 3, image_size, image_size, device="meta")
    try:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            backbone.to("meta").eval()(image)
    except (RuntimeError, AssertionError, ValueError, TypeError):
        return float("inf")
    return float(counter.get_total_flops()) / 2


def tsne_share(images: int, arithmetic: float) -> float:
    """What the published estimate takes, as a fraction of the epochs that it serves.

    Args:
        images: of the target.
        arithmetic: multiply-adds of the backbone, of one image.
    """
    if not arithmetic:
        return float("inf")
    an_image = SERVED * PASSES * arithmetic / RATE  # seconds
    return float(TSNE_SECONDS * images ** (TSNE_GROWTH - 1)) / an_image


def affordable_estimator(images: int, arithmetic: float | None) -> str:
    """What "auto" means: "tsne", as published, where it is cheap beside the epochs it serves.

    Elsewhere it is "features": on Office-Caltech-10 the averages of both are within 0.3 points.
    Heads on a frozen backbone train ten epochs in a third of the time that t-SNE takes, at any
    size.

    Args:
        images: of the target.
        arithmetic: multiply-adds of the backbone, of one image; None: it is frozen.
    """
    if arithmetic is None or images > TSNE_LIMIT:
        return "features"
    return "tsne" if tsne_share(images, arithmetic) <= SHARE else "features"


def with_estimator(config: AdaptConfig, images: int, backbone: nn.Module | None) -> AdaptConfig:
    """The configuration with its estimator, where "auto" stood.

    Args:
        config: with its image size.
        images: of the target.
        backbone: left on the `meta` device; None: it is frozen.
    """
    if config.cluster_estimator != AUTO:
        return config
    arithmetic = None
    if backbone is not None:
        arithmetic = multiply_adds(backbone, int(config.image_size or 0))
    found = affordable_estimator(images, arithmetic)
    return dataclasses.replace(config, cluster_estimator=found)


def switched(given: AdaptConfig, settled: AdaptConfig) -> bool:
    """Whether "auto" became something else than what was published."""
    return given.cluster_estimator == AUTO and settled.cluster_estimator != "tsne"


def as_begun(given: AdaptConfig, settled: AdaptConfig, held: Mapping[str, Any]) -> AdaptConfig:
    """The configuration with the estimator that its run was begun with, where "auto" stood.

    Earlier versions had another rule, and their runs are gone on with.

    Args:
        given, settled: the configuration before and after `with_estimator`.
        held: what the run's folder holds of settings; empty where it is not begun.
    """
    begun = held.get("cluster_estimator")
    if given.cluster_estimator != AUTO or begun not in ESTIMATORS:
        return settled
    return dataclasses.replace(settled, cluster_estimator=begun)
