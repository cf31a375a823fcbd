"""LEAD (Qu et al., CVPR 2024) on a source model that was trained on the source images alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from genmix_da.methods.base import Method

if TYPE_CHECKING:
    from lead.network import Network
    from lead.target import TargetConfig, TargetEpoch
    from lead.views import Views


def adapt_by_lead(
    network: Network,
    views: Views,
    config: TargetConfig,
    *,
    state: Mapping[str, Any] | None = None,
) -> Iterator[TargetEpoch]:
    """See `Adapt` and `lead.adapt_target`."""
    from lead.target import adapt_target

    yield from adapt_target(network, views, config, state=state)


METHOD = Method("lead", "none", adapt_by_lead)
