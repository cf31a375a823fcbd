"""AdaBN: the statistics of batch normalisation taken from the target instead of the source.

Source: Li et al., "Revisiting Batch Normalization For Practical Domain Adaptation", 2016,
https://arxiv.org/abs/1603.04779. No weight is trained and no label is used.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from lead.epochs import TargetConfig, TargetEpoch
from lead.evaluation import evaluate
from lead.network import Network
from lead.precision import Precision
from lead.seeds import seed_epoch
from lead.target import adapt_target
from lead.views import Views

BATCH = 64  # images a batch of the pass over the backbone


def adapt_by_statistics(
    network: Network,
    views: Views,
    config: TargetConfig,
    *,
    state: Mapping[str, Any] | None = None,
) -> Iterator[TargetEpoch]:
    """Yield epoch 0, then epoch 1: the statistics replaced, nothing trained; see `adapt_target`.

    Args:
        network: source-trained, on the device of `views`.
        views: target images, or features of them; no labels.
        config: seed and precision are used.
        state: of a yielded epoch, to go on after it with the same results.
    """
    if state is not None and int(state["epoch"]) == 1:
        return
    source = next(adapt_target(network, views, replace(config, epochs=0)))
    before = source.state()
    if state is None:
        yield source
    precision = Precision(views.device, mixed=config.mixed_precision)
    started = time.perf_counter()
    adapt_batch_norm(network, views, seed=config.seed, precision=precision)
    adapted = time.perf_counter()
    evaluation = evaluate(network, views, precision=precision)
    seconds = {"train": adapted - started, "evaluate": time.perf_counter() - adapted}
    after = before | {
        "epoch": 1,
        "network": network.state_dict(),
        "features": evaluation.features.cpu(),
        "probability": evaluation.probability.cpu(),
    }
    yield TargetEpoch(1, evaluation, {}, 0.0, None, 0, None, seconds, partial(dict, after))


@torch.no_grad()
def adapt_batch_norm(
    network: Network, views: Views, *, seed: int = 2021, precision: Precision | None = None
) -> None:
    """Replace the running mean and variance of every batch norm by those of the target, in place.

    Those of the backbone are averaged over the shuffled batches of one pass. The bottleneck's are
    then computed exactly, over all images and views, from the features of the new backbone.

    Args:
        network: source-trained, on the device of `views`.
        views: target images; all their views count.
        seed: of the order of the pass over the backbone, and of its crops.
        precision: how to run the passes.
    """
    precision = precision or Precision(views.device)
    network.eval()
    layers = [m for m in network.backbone.modules() if isinstance(m, _BatchNorm)]
    if layers and len(views) > 1:  # one image has no variance over images
        _reestimate(network.backbone, layers, views, seed, precision)
    count, total, squares = 0, 0.0, 0.0
    # Two passes over the outputs would keep them all; sums in float64 lose nothing that matters.
    for batch in views.view_batches():
        with precision.autocast():
            features = network.backbone(batch.flatten(0, 1))
        outputs = network.bottleneck.linear(features.float()).double()
        count += len(outputs)
        total = total + outputs.sum(dim=0)
        squares = squares + (outputs * outputs).sum(dim=0)
    mean = torch.as_tensor(total) / count
    variance = (torch.as_tensor(squares) / count - mean * mean).clamp(min=0.0)
    norm = network.bottleneck.norm
    assert norm.running_mean is not None and norm.running_var is not None
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)


def _reestimate(
    backbone: nn.Module,
    layers: list[_BatchNorm],
    views: Views,
    seed: int,
    precision: Precision,
) -> None:
    """One pass in which the layers average their batches' statistics, and nothing else trains.

    Shuffled, in full batches: sorted by class, a batch would miss the variance between classes.
    """
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # a plain average over the batches
        layer.train()
    try:
        draw = seed_epoch(seed, "adabn", 1)
        for _, images in views.training_batches(min(len(views), BATCH), draw):
            with precision.autocast():
                backbone(images)
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
            layer.eval()
