"""A table that is killed at any moment ends, started again, as one that never was."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]
KILLS = 10
SMALL = (
    *("--pairs", "Ar2Cl", "--methods", "lead,lead+genmix", "--seeds", "1"),
    *("--source-epochs", "2"),
)


@pytest.fixture(scope="module", autouse=True)
def imported(whole: Path) -> Path:
    """Making a table here imports everything that the forked processes need."""
    return whole


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


def kill_group(child: int) -> None:
    """Kill -9, once the child leads its group."""
    while os.getpgid(child) != child:
        time.sleep(0.001)
    os.killpg(child, signal.SIGKILL)


def test_killed_at_ten_moments(
    quick: tuple[object, ...], numbers: Callable, tmp_path: Path
) -> None:
    def start(name: str) -> int:
        return begin((*quick, *SMALL, "--out", tmp_path / name), tmp_path / f"cache-{name}")

    started = time.monotonic()
    assert finish(start("straight")) == 0
    whole = time.monotonic() - started
    expected = numbers(tmp_path / "straight")
    draw = random.Random(7)
    killed = 0
    for number in range(KILLS):
        child = start(f"t{number}")
        time.sleep(whole * (number + draw.random()) / KILLS)  # one in each tenth
        kill_group(child)
        killed += finish(child) == -signal.SIGKILL
        assert finish(start(f"t{number}")) == 0
        assert numbers(tmp_path / f"t{number}") == expected
    assert killed >= KILLS // 2  # a machine that is quicker now ends before the last ones


def test_killed_again_and_again(
    quick: tuple[object, ...], numbers: Callable, tmp_path: Path
) -> None:
    """One table, killed after every run or source model that it finishes, and between them."""
    out = tmp_path / "table"
    arguments = (*quick, "--pairs", "Ar2Cl,Ar2Pr", "--methods", "source-only,lead", "--seeds", "1")
    draw, patience = random.Random(11), 0.2
    for _ in range(60):
        child = begin((*arguments, "--out", out), tmp_path / "cache")
        deadline = time.monotonic() + patience * (1 + draw.random())
        while time.monotonic() < deadline:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                assert os.waitstatus_to_exitcode(status) == 0
                break
            time.sleep(0.01)
        else:
            kill_group(child)
            finish(child)
            patience *= 1.2  # so that it gets on however slow the machine
            continue
        break
    assert finish(begin((*arguments, "--out", tmp_path / "other"), tmp_path / "other-cache")) == 0
    assert numbers(out) == numbers(tmp_path / "other")
