"""Items as they are asked for: all at once where they are known, else a few at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Generic

from genmix_da.engines.attempt import check_keys
from genmix_da.engines.base import ItemT, Outcome
from genmix_da.progress import bar


class Supply(Generic[ItemT]):
    """What is still to be run.

    A sequence waits whole. Of any other iterable no more is taken than is asked for, so that it may
    decide late what the next item is, and so that a million of them are never there at once.

    Args:
        items: with keys that differ.

    Raises:
        ValueError: two share a key; of an iterator when the second is taken.
    """

    def __init__(self, items: Iterable[ItemT]) -> None:
        whole = items if isinstance(items, Sequence) else ()
        check_keys(whole)
        self.waiting: deque[ItemT] = deque(whole)
        self._more = iter(()) if isinstance(items, Sequence) else iter(items)
        self._keys: set[str] = set()

    def ask(self, room: int) -> None:
        """Take items until so many wait, or there are no more."""
        while len(self.waiting) < room:
            taken = next(self._more, None)
            if taken is None:
                return
            if taken.key in self._keys:
                raise ValueError(f"items share the key {taken.key!r}")
            self._keys.add(taken.key)
            self.waiting.append(taken)

    def rest(self) -> Iterator[ItemT]:
        """All that is left, where nothing is there any more to run it."""
        while True:
            self.ask(1)
            if not self.waiting:
                return
            yield self.waiting.popleft()


def shown(outcomes: Iterable[Outcome], items: Iterable[ItemT], progress: str) -> Iterator[Outcome]:
    """Outcomes as they come, counted in a bar where it is known how many there will be."""
    if not isinstance(items, Sequence):
        yield from outcomes
        return
    with bar(progress) as advance:
        for number, outcome in enumerate(outcomes, 1):
            advance(number, len(items))
            yield outcome
