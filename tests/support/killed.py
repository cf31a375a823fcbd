"""`genmix-da ...` in forked processes, to be killed in the middle of their work.

Forked, because importing torch would take seconds for each of twenty kills.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest
import torch

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
FORKS = [
    needs_fork,
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]
KILLED = -signal.SIGKILL
SAID = "said"  # beside the cache: what the commands printed


class ForkedRun:
    """The command in a process that leads a group of its own.

    Args:
        cache: folder of its cache.
        *arguments: of the command.
    """

    def __init__(self, cache: Path, *arguments: object) -> None:
        self._code: int | None = None
        self.pid = os.fork()
        if self.pid:
            return
        code = 70
        try:
            os.setsid()
            os.environ["GENMIX_DA_CACHE"] = str(cache)
            torch.set_num_threads(1)
            cache.parent.mkdir(parents=True, exist_ok=True)
            said = os.open(cache.parent / SAID, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(said, 1)
            os.dup2(said, 2)
            faulthandler.enable(2)
            from genmix_da.cli import main

            code = main([str(argument) for argument in arguments])
        except BaseException:
            os.write(2, traceback.format_exc().encode())
        finally:
            os._exit(code)

    def poll(self) -> int | None:
        """The exit code, or minus the signal that ended it; None while it runs."""
        if self._code is None:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            if ended:
                self._code = os.waitstatus_to_exitcode(status)
        return self._code

    def wait(self, seconds: float = 120) -> int | None:
        """Like `poll`, but gives it some seconds to end."""
        deadline = time.monotonic() + seconds
        while self.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        return self._code

    def kill(self) -> int | None:
        """Kill -9 of its group; the exit code is KILLED unless it had ended before."""
        while self.poll() is None and os.getpgid(self.pid) != self.pid:
            time.sleep(0.001)
        if self.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)
        return self.wait()


class Process(Protocol):
    """What can be waited for."""

    def poll(self) -> int | None: ...


def wait_until(run: Process, happened: Callable[[], bool]) -> None:
    """Wait for something that a run does while it is at work."""
    deadline = time.monotonic() + 120
    while not happened():
        assert run.poll() is None, f"it has ended with {run.poll()}"
        assert time.monotonic() < deadline, "it has not happened after two minutes"
        time.sleep(0.002)


def lines_of(root: Path, pattern: str) -> int:
    """The lines of the longest file that a pattern finds."""
    return max((len(file.read_text().splitlines()) for file in root.glob(pattern)), default=0)
