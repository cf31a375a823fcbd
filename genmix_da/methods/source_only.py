"""The source model, applied to the target as it is: what every adaptation has to beat."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from genmix_da.methods.base import Method

if TYPE_CHECKING:
    from lead.network import Network
    from lead.target import TargetConfig, TargetEpoch
    from lead.views import Views


def evaluate_source(
    network: Network,
    views: Views,
    config: TargetConfig,
    *,
    state: Mapping[str, Any] | None = None,
) -> Iterator[TargetEpoch]:
    """Yield epoch 0 and stop; see `Adapt`."""
    from lead.target import adapt_target

    yield from adapt_target(network, views, replace(config, epochs=0), state=state)


METHOD = Method("source-only", "none", evaluate_source, epochs=0)
