"""Information maximisation alone: every image sure of its class, all classes in use.

The loss of SHOT (Liang et al., ICML 2020) without its pseudo-labels: the mean entropy of the
predictions less the entropy of their mean.
"""

import time

from genmix_da.methods.base import Method


def adapt_by_information(network, views, config, *, state=None):
    """See `genmix_da.methods.base.Adapt`; the classifier stays, as in SHOT."""
    import torch

    from lead.epoch_state import EpochState
    from lead.epochs import TargetEpoch
    from lead.evaluation import evaluate
    from lead.precision import Precision
    from lead.seeds import seed_epoch

    network.classifier.requires_grad_(False)
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=config.learning_rate, momentum=0.9)
    precision = Precision(views.device, mixed=config.mixed_precision)
    progress = EpochState(network, optimizer, precision, state)

    def finished(epoch, losses, rate, seconds):
        found = evaluate(network, views, precision=precision)

        def kept():
            return {"features": found.features.cpu(), "probability": found.probability.cpu()}

        # None, 0, None: it has no pseudo-labels and counts no clusters.
        after = progress.after(epoch, kept)
        return TargetEpoch(epoch, found, losses, rate, None, 0, None, seconds, after)

    if state is None:
        yield finished(0, {}, 0.0, {})  # the source model as it is
    for epoch in range(progress.done + 1, config.epochs + 1):
        started, losses = time.perf_counter(), []
        network.train()
        draw = seed_epoch(config.seed, "infomax", epoch)
        for _rows, images in views.training_batches(config.batch_size, draw):
            with precision.autocast():
                _, logits = network(images)
            probability = logits.float().softmax(dim=1)
            loss = entropy(probability).mean() - entropy(probability.mean(dim=0))
            precision.step(loss, optimizer)
            losses.append(float(loss.detach()))
        mean = {"information": sum(losses) / len(losses)}
        seconds = {"train": time.perf_counter() - started}
        yield finished(epoch, mean, config.learning_rate, seconds)


def entropy(probability):
    """Entropy over the last axis."""
    return -(probability * (probability + 1e-5).log()).sum(dim=-1)


INFOMAX = Method("infomax", "none", adapt_by_information)
