"""What every engine does with one item: run it, keep its error, count the attempts."""

from __future__ import annotations

import logging
import os
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from genmix_da.engines.base import MAX_ATTEMPTS, Item, ItemT, Outcome
from genmix_da.errors import user_message

logger = logging.getLogger(__name__)

# OpenCV has threads of its own, which know nothing of OpenMP.
_THREAD_CAPS = (
    *("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"),
    "OPENCV_FOR_THREADS_NUM",
)
_MOST_WARNINGS = 20


@dataclass(frozen=True)
class Report:
    """What a worker sends back of one attempt.

    Attributes:
        reason: "" when done.
        seconds: wall time.
        details: the traceback of an error.
        warnings: log lines for the user to see.
        broken: the error was nobody's to mend, so the process may be in a bad state.
        result: what the function gave back.
    """

    reason: str
    seconds: float
    details: str = ""
    warnings: tuple[str, ...] = ()
    broken: bool = False
    result: object = None


def attempt(work: Callable[[ItemT], object], item: ItemT, *, remote: bool = False) -> Report:
    """Call a function with an item; an error becomes part of the report.

    Args:
        work: the function.
        item: its argument.
        remote: this process has no user in front of it: warnings go into the report.
    """
    started = time.monotonic()
    warnings: list[str] = []
    try:
        with _collected(warnings) if remote else _uncollected():
            result = work(item)
    except (Exception, SystemExit) as error:
        seconds = time.monotonic() - started
        return report_of(error, seconds, tuple(warnings))
    seconds = time.monotonic() - started
    return Report("", seconds, warnings=tuple(warnings), result=result)


def report_of(error: BaseException, seconds: float = 0.0, warnings: tuple[str, ...] = ()) -> Report:
    """The report of an attempt that an error ended."""
    message = user_message(error)
    if message is None:
        lines = str(error).strip().splitlines()
        message = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
        broken = True
    else:
        broken = False
    details = "".join(traceback.format_exception(error))
    return Report(" ".join(message.split()), seconds, details, warnings, broken)


def settled(item: Item, report: Report) -> Outcome:
    """The outcome of an attempt that came to its end, its messages logged here."""
    for line in report.warnings:
        logger.warning("%s: %s", item.label, line)
    if report.reason:
        logger.debug("%s failed:\n%s", item.label, report.details.rstrip())
    status = "failed" if report.reason else "done"
    return Outcome(item.key, status, report.reason, report.seconds, report.result)


class Attempts:
    """How often each item was begun by a worker that was lost."""

    def __init__(self) -> None:
        self._lost: Counter[str] = Counter()

    def lost(self, item: Item, why: str, seconds: float = 0.0) -> Outcome | None:
        """Count a lost worker; the item's outcome where that was the last attempt."""
        self._lost[item.key] += 1
        number = self._lost[item.key]
        if number >= MAX_ATTEMPTS:
            return Outcome(item.key, "lost", f"{why} ({number} attempts)", seconds)
        logger.warning("%s: %s; attempt %d of %d", item.label, why, number + 1, MAX_ATTEMPTS)
        return None


def check_keys(items: Sequence[Item]) -> None:
    """Two items of one key would be told apart by nobody."""
    counted = Counter(item.key for item in items)
    twice = [key for key, count in counted.items() if count > 1]
    if twice:
        raise ValueError(f"items share the key {twice[0]!r}")


def cores() -> int:
    """CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def threads_each(workers: int) -> int:
    """Threads of each worker: the cores shared out, and no more than the user's OMP_NUM_THREADS."""
    shared = max(1, cores() // workers)
    own = os.environ.get("OMP_NUM_THREADS", "")
    return min(shared, int(own)) if own.isdecimal() and int(own) else shared


def thread_caps(threads: int) -> dict[str, str]:
    """Environment of a process that is to use so many threads; read when libraries are imported."""
    return dict.fromkeys(_THREAD_CAPS, str(threads))


def cap_torch(threads: int) -> None:
    """The same for torch, where it has been imported."""
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(threads)


@contextmanager
def _collected(lines: list[str]) -> Iterator[None]:
    handler = _Lines(lines)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)


@contextmanager
def _uncollected() -> Iterator[None]:
    yield


class _Lines(logging.Handler):
    """Warnings as lines; a loop that warns a million times is cut short."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        if len(self._lines) < _MOST_WARNINGS:
            self._lines.append(record.getMessage())
