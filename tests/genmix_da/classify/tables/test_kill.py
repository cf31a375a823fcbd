"""A table that is killed at any moment ends, started again, as one that never was."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]
KILLS = 2


def begin(arguments: tuple[object, ...], cache: Path) -> int:
    """Start the command in a process group of its own; forked, because imports take longer."""
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        os.setsid()
        os.environ["GENMIX_DA_CACHE"] = str(cache)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        from genmix_da.cli import main

        code = main([str(argument) for argument in arguments])
    finally:
        os._exit(code)


def finish(child: int) -> int:
    """Exit code, or minus the signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_killed_and_started_again(
    whole: Path, quick: tuple[object, ...], data: Path, rows_of: Callable, tmp_path: Path
) -> None:
    options = ("--data", data / "Art", "--methods", "none,genmix", "--seeds", "1")

    def start(name: str) -> int:
        return begin((*quick, *options, "--out", tmp_path / name), tmp_path / f"cache-{name}")

    started = time.monotonic()
    assert finish(start("straight")) == 0
    seconds = time.monotonic() - started
    expected = rows_of(tmp_path / "straight")
    killed = 0
    for number in range(KILLS):
        child = start(f"t{number}")
        time.sleep(seconds * (number + 0.6) / KILLS)
        while os.getpgid(child) != child:
            time.sleep(0.001)
        os.killpg(child, signal.SIGKILL)
        killed += finish(child) == -signal.SIGKILL
        assert finish(start(f"t{number}")) == 0
        assert rows_of(tmp_path / f"t{number}") == expected
    assert killed >= 1  # a machine that is quicker now ends before the last ones
