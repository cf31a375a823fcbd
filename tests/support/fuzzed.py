"""`genmix-da ...` on hostile input in this process, and what holds however it ends.

A command ends in time and within memory, with exit code 0, 1 or 2 and without a traceback. Where it
refuses, it says so in one sentence, leaves no half of a file, and what was finished is still there.
"""

from __future__ import annotations

import io
import os
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

SECONDS = 30
MEMORY = 2 << 30
# The disk of whoever runs this is not to be filled.
LARGEST_FILE = 1 << 28

TRIED: Counter[tuple[str, str]] = Counter()
"""Kind, how it ended -> inputs tried by this process."""


class TooSlow(BaseException):
    """A command that takes longer than it may; no `except Exception` stops it."""


@contextmanager
def limits() -> Iterator[None]:
    """Half a minute, two more gigabytes of memory, small files."""

    def too_slow(*_: object) -> None:
        raise TooSlow(f"not at an end after {SECONDS} s")

    before = signal.signal(signal.SIGALRM, too_slow)
    with _limit(resource.RLIMIT_FSIZE, LARGEST_FILE), _limit(*_address_space()):
        signal.alarm(SECONDS)
        try:
            yield
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)


def _address_space() -> tuple[int, int]:
    if not sys.platform.startswith("linux"):  # elsewhere it is not held to
        return resource.RLIMIT_AS, resource.getrlimit(resource.RLIMIT_AS)[0]
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return resource.RLIMIT_AS, pages * resource.getpagesize() + MEMORY


@contextmanager
def _limit(what: int, value: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(what)
    resource.setrlimit(what, (value, hard))
    try:
        yield
    finally:
        resource.setrlimit(what, (soft, hard))


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    arguments: tuple[str, ...]
    code: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """What a refused command says: the last line of standard error."""
        return (self.err.splitlines() or [""])[-1]


def call(kind: str, *arguments: object) -> Ended:
    """Run a command and hold it to what every command must keep; returns how it ended.

    Args:
        kind: of the input, to be counted.
        *arguments: of the command.
    """
    from genmix_da.cli import main

    texts = tuple(str(argument) for argument in arguments)
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2)]
    started = time.monotonic()
    with redirect_stdout(streams[0]), redirect_stderr(streams[1]), limits():
        code = main(list(texts))
    seconds = time.monotonic() - started
    for stream in streams:
        stream.flush()
    out, err = (stream.buffer.getvalue().decode() for stream in streams)  # type: ignore[attr-defined]
    ended = Ended(texts, code, out, err)
    TRIED[kind, f"exit code {code}"] += 1
    assert seconds < SECONDS, f"{seconds:.0f} s: {ended}"
    assert code in (0, 1, 2, 130), ended
    assert "Traceback (most recent call last)" not in err, ended
    if code == 2:
        check_sentence(ended.sentence)
    return ended


def check_sentence(line: str) -> None:
    """A refusal: "genmix-da: SENTENCE" or click's "Error: SENTENCE"."""
    mark, _, said = line.partition(": ")
    assert mark in ("genmix-da", "Error"), line
    assert len(said.split()) >= 3, line
    assert " object at 0x" not in said, line


Files = dict[str, bytes]


def files_in(folder: Path) -> Files:
    """Name -> content of every file below a folder."""
    return {
        os.path.relpath(path, folder): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def check_kept(before: Files, after: Files, *, but: Sequence[str] = ()) -> None:
    """Every file is as it was, and there is none that was given up half-way.

    Args:
        before, after: of one folder.
        but: endings of names that may have changed.
    """
    lost = [n for n in before if after.get(n) != before[n] and not n.endswith(tuple(but))]
    assert not lost, f"changed or lost: {lost}"
    assert not [name for name in after if name.endswith(".tmp")], "half of a file is left"
