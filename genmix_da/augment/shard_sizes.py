"""How many images the next shard of edits gets: as many as take about two minutes.

A shard is what is lost with its worker, and what the last workers are waited for; each costs a
start of its own, on some engines with a model to load. Two minutes are little to lose and long
beside most starts.
"""

from __future__ import annotations

from collections import deque

AIM = 120.0  # seconds of a shard
FIRST = 4  # images of a shard while nothing is known of how long one takes
GROWTH = 4  # times the largest that has ended: the first ones may mislead
MOST = 2000  # images of a shard
# Images whose edits are all there take no time and say nothing of those that are missing.
MOST_UNTIMED = 256
_REMEMBERED = 8  # shards; the nodes of a cluster differ, and so do the pictures of a folder
_ROUNDS = 2  # shards of each worker, at least, in what is left: they end together


class ShardSizes:
    """Sizes of shards, from the seconds of those that have ended; no clock of its own.

    Args:
        images: of all shards.

    Attributes:
        left: images that no shard has got yet.
    """

    def __init__(self, images: int) -> None:
        self.left = images
        self._running = self._width = 0
        self._largest = 0
        self._timed: deque[tuple[float, float]] = deque(maxlen=_REMEMBERED)

    def wanted(self) -> int:
        """Images of the next shard; 0 where none are left."""
        largest = max(GROWTH * self._largest, FIRST)
        if self._timed:
            seconds, images = (sum(values) for values in zip(*self._timed, strict=True))
            fitting = AIM * images / seconds if seconds else float(MOST)
        else:
            fitting = float(min(largest, MOST_UNTIMED))
        size = int(min(fitting, largest, MOST))
        # Near the end shards shrink, or one worker would have the rest to itself.
        workers = max(self._width, self._running + 1)
        fair = max(-(-self.left // (_ROUNDS * workers)), FIRST)
        return min(max(min(size, fair), 1), self.left)

    def given(self, images: int) -> None:
        """A shard of so many was handed out."""
        self.left -= images
        self._running += 1
        self._width = max(self._width, self._running)

    def ended(self, images: int, edited: float, seconds: float) -> None:
        """A shard is done.

        Args:
            images: that it had.
            edited: of them now; of the others the edits were there. May be a fraction of one.
            seconds: that it took.
        """
        self._running -= 1
        self._largest = max(self._largest, images)
        if edited > 0:
            self._timed.append((seconds, edited))

    def failed(self) -> None:
        """A shard has come to nothing."""
        self._running -= 1
