"""A method of your own beside LEAD: python examples/own_method.py DATA SOURCE TARGET OUT

Self-training on what is surely known: the cross-entropy of an image's own likeliest class, where
its entropy is low. For this process alone; docs/plugins.md says how a package brings one, tested.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import torch

import genmix_da
from genmix_da.methods import METHODS, Method
from lead.epoch_state import EpochState
from lead.epochs import TargetEpoch
from lead.evaluation import evaluate
from lead.precision import Precision
from lead.scores import normalised_entropy
from lead.seeds import seed_epoch

SURE = 0.3  # normalised entropy


def self_train(network, views, config, *, state=None):
    """See `genmix_da.methods.base.Adapt`."""
    optimizer = torch.optim.SGD(network.parameters(), lr=config.learning_rate, momentum=0.9)
    precision = Precision(views.device, mixed=config.mixed_precision)
    progress = EpochState(network, optimizer, precision, state)

    def finished(epoch, losses, seconds):
        found = evaluate(network, views, precision=precision)

        def kept():
            return {"features": found.features.cpu(), "probability": found.probability.cpu()}

        after, rate = progress.after(epoch, kept), config.learning_rate if epoch else 0.0
        return TargetEpoch(epoch, found, losses, rate, None, 0, None, seconds, after)

    if state is None:
        yield finished(0, {}, {})  # the source model as it is
    for epoch in range(progress.done + 1, config.epochs + 1):
        started, losses = time.perf_counter(), []
        network.train()
        draw = seed_epoch(config.seed, "self-training", epoch)
        for _rows, images in views.training_batches(config.batch_size, draw):
            with precision.autocast():
                _, logits = network(images)
            probability = logits.detach().float().softmax(dim=1)
            sure = normalised_entropy(probability) < SURE
            if sure.any():
                labels = probability.argmax(dim=1)
                loss = torch.nn.functional.cross_entropy(logits[sure], labels[sure])
                precision.step(loss, optimizer)
                losses.append(float(loss.detach()))
        mean = {"sure": sum(losses) / max(len(losses), 1)}
        yield finished(epoch, mean, {"train": time.perf_counter() - started})


METHODS["self-training"] = Method("self-training", "none", self_train)


def main(data: str, source: str, target: str, out: str, **options: Any) -> dict[str, float]:
    """Adapt with both; returns their scores."""
    found = {}
    for method in ("self-training", "lead"):
        result = genmix_da.adapt(
            src=source, tgt=target, data=data, method=method, out=f"{out}/{method}", **options
        )
        name = "h_score" if result.last["h_score"] is not None else "known_accuracy"
        found[method] = result.last[name]
        print(f"{method:14} {name} {100 * found[method]:.1f}")
    return found


if __name__ == "__main__":
    main(*sys.argv[1:5])
