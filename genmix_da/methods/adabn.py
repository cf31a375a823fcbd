"""AdaBN (Li et al., 2016): the source model with batch norm statistics of the target."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from genmix_da.methods.base import Method

if TYPE_CHECKING:
    from lead.network import Network
    from lead.target import TargetConfig, TargetEpoch
    from lead.views import Views


def adapt_by_statistics(
    network: Network,
    views: Views,
    config: TargetConfig,
    *,
    state: Mapping[str, Any] | None = None,
) -> Iterator[TargetEpoch]:
    """Yield epoch 0, then epoch 1: the statistics replaced, nothing trained; see `Adapt`."""
    from dataclasses import replace

    from lead.adabn import adapt_batch_norm
    from lead.evaluation import evaluate
    from lead.precision import Precision
    from lead.target import TargetEpoch, adapt_target

    if state is not None and int(state["epoch"]) == 1:
        return
    untrained = replace(config, epochs=0)
    source = next(adapt_target(network, views, untrained))
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


METHOD = Method("adabn", "none", adapt_by_statistics, epochs=1)
