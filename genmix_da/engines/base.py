"""Where work runs: in this process, in processes of this machine, on a Ray cluster.

An engine takes a function and the items it is called with, and says of each how it ended. On every
engine:

- what the function raises ends its item as "failed"; it is never tried again;
- a worker that is lost (killed, out of memory, its node gone) costs only the items it was running;
  they are tried again, `MAX_ATTEMPTS` times in all, and are "lost" after that;
- the order of outcomes is the order in which items end;
- a sequence of items is taken whole; of any other iterable no more is taken than a bounded number
  ahead of the outcomes: as many as there are workers, on Ray twice as many as the cluster has room
  for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

MAX_ATTEMPTS = 3


class Item(Protocol):
    """What a function is called with; a frozen dataclass that can be pickled."""

    @property
    def key(self) -> str:
        """Unique among the items of a run."""

    @property
    def label(self) -> str:
        """For people."""


ItemT = TypeVar("ItemT", bound=Item)


@dataclass(frozen=True)
class Outcome:
    """How an item ended.

    Attributes:
        key: of the item.
        status: "done", "failed" (its function raised an error) or "lost" (its workers died).
        reason: "" when done, else one line for people.
        seconds: of the last attempt; 0 where the engine cannot know.
        result: what the function gave back, where it was done.
    """

    key: str
    status: str
    reason: str
    seconds: float
    result: object = None


class Engine(Protocol):
    """Runs a function on items."""

    @property
    def name(self) -> str:
        """As on the command line."""

    def run(
        self, work: Callable[[ItemT], object], items: Iterable[ItemT], *, progress: str = "working"
    ) -> Iterator[Outcome]:
        """Yield an outcome as each item ends; an error of an item is never raised.

        Args:
            work: a function of a module, so that it can be pickled; what it gives back is sent
                between processes and should be small.
            items: with keys that differ.
            progress: a few words at the left of the progress bar; there is none for an iterator,
                of which nobody knows how long it is.

        Raises:
            UserError: the engine cannot work at all: no such cluster, not so many GPUs.
        """
