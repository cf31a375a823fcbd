"""One item after another in this process, with all its threads."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence

from genmix_da.engines.attempt import attempt, settled
from genmix_da.engines.base import ItemT, Outcome
from genmix_da.engines.supply import Supply

logger = logging.getLogger(__name__)


class LocalEngine:
    """Runs items here; a bar of the item's own shows its progress, so there is none around it."""

    name = "local"

    def run(
        self, work: Callable[[ItemT], object], items: Iterable[ItemT], *, progress: str = "working"
    ) -> Iterator[Outcome]:
        """Yield an outcome as each item ends; see `genmix_da.engines.base.Engine`."""
        for number, item in enumerate(Supply(items).rest(), 1):
            if isinstance(items, Sequence):
                logger.info("%s, %d of %d: %s", progress, number, len(items), item.label)
            yield settled(item, attempt(work, item))
