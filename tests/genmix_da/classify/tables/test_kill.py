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
RUNS = 2  # of the table; each is killed as it begins


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


def wait_for_results(child: int, folder: Path, count: int) -> None:
    """Until as many runs have begun, each of which writes its result.json first."""
    deadline = time.monotonic() + 120
    while len(list(folder.glob("classification/*/*/result.json"))) < count:
        assert os.waitpid(child, os.WNOHANG) == (0, 0), "the table has ended"
        assert time.monotonic() < deadline, f"no {count} runs after two minutes"
        time.sleep(0.001)


def test_killed_and_started_again(
    whole: Path, quick: tuple[object, ...], data: Path, rows_of: Callable, tmp_path: Path
) -> None:
    options = ("--data", data / "Art", "--methods", "none,genmix", "--seeds", "1")

    def start(name: str) -> int:
        return begin((*quick, *options, "--out", tmp_path / name), tmp_path / f"cache-{name}")

    assert finish(start("straight")) == 0
    expected = rows_of(tmp_path / "straight")
    for run in range(1, RUNS + 1):
        child = start(f"t{run}")
        wait_for_results(child, tmp_path / f"t{run}", run)
        os.killpg(child, signal.SIGKILL)
        assert finish(child) == -signal.SIGKILL
        assert finish(start(f"t{run}")) == 0
        assert rows_of(tmp_path / f"t{run}") == expected
