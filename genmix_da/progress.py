"""Progress bars on a terminal; nothing elsewhere, so that logs stay readable."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")

_SILENT = "GENMIX_DA_NO_PROGRESS"


def silence() -> None:
    """No bars in this process and its children: they would overwrite those of another."""
    os.environ[_SILENT] = "1"


def _shows() -> bool:
    return sys.stderr.isatty() and not os.environ.get(_SILENT)


def track(items: Iterable[Item], description: str, total: int) -> Iterator[Item]:
    """Yield the items, with a bar on standard error where that is a terminal.

    Args:
        items: what is worked through.
        description: a few words at the left of the bar.
        total: how many items there are.
    """
    if not _shows():
        yield from items
        return
    from rich.console import Console
    from rich.progress import track as rich_track

    yield from rich_track(
        items,
        description=description,
        total=total,
        console=Console(stderr=True),
        transient=True,
    )


@contextmanager
def bar(description: str) -> Iterator[Callable[[int, int], None]]:
    """A function to call with (done, total); draws a bar where standard error is a terminal."""
    if not _shows():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(description, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
