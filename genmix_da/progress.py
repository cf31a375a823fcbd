"""How far long work is: a bar on a terminal, elsewhere a line in the log now and then."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.progress import Progress

Item = TypeVar("Item")

_SILENT = "GENMIX_DA_NO_PROGRESS"
_EVERY = 30.0  # seconds between two lines in a log

logger = logging.getLogger(__name__)

_shown: list[Progress] = []  # at most one: work within work is another line of it


def silence() -> None:
    """No progress from this process and its children: it would mix with that of another."""
    os.environ[_SILENT] = "1"


def track(items: Iterable[Item], description: str, total: int) -> Iterator[Item]:
    """Yield the items, and show how many are done.

    Args:
        items: what is worked through.
        description: a few words on it.
        total: how many items there are.
    """
    with bar(description) as advance:
        advance(0, total)
        for done, item in enumerate(items, 1):
            yield item
            advance(done, total)


@contextmanager
def bar(description: str) -> Iterator[Callable[[int, int], None]]:
    """A function to call with (done, total), which shows both, the rate and the time that is left.

    Args:
        description: a few words on the work.
    """
    if os.environ.get(_SILENT):
        yield lambda done, total: None
    elif sys.stderr.isatty():
        with _lines() as lines:
            task = lines.add_task(description, total=None)
            try:
                yield lambda done, total: lines.update(task, completed=done, total=total)
            finally:
                lines.remove_task(task)
    else:
        yield _Lines(description)


@contextmanager
def _lines() -> Iterator[Progress]:
    """The lines on the terminal; those that are there already within other work."""
    if _shown:
        yield _shown[0]
        return
    with _new_lines() as lines:
        _shown.append(lines)
        try:
            yield lines
        finally:
            _shown.clear()


def _new_lines() -> Progress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(_rate(task.finished_speed or task.speed or 0.0))

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )


class _Lines:
    """The face of a bar in a log: nothing of short work, of long work a line every half minute."""

    def __init__(self, description: str) -> None:
        self._description = description
        self._began = self._said = time.monotonic()
        self._first: int | None = None  # work of an earlier run counts for no rate

    def __call__(self, done: int, total: int) -> None:
        if self._first is None:
            self._first = done
        now = time.monotonic()
        if now - self._said < _EVERY or done >= total:
            return
        self._said = now
        rate = (done - self._first) / (now - self._began)
        left = f", {_clock((total - done) / rate)} left" if rate else ""
        logger.info("%s: %d of %d, %s%s", self._description, done, total, _rate(rate), left)


def _rate(rate: float) -> str:
    """Items a second, or seconds an item."""
    if not rate:
        return "-"
    return f"{rate:.1f}/s" if rate >= 1 else f"{1 / rate:.1f} s each"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
