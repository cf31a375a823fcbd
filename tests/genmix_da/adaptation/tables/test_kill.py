"""A table that is killed at any moment ends, started again, as one that never was."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from killed import FORKS, KILLED, ForkedRun

pytestmark = [pytest.mark.slow, *FORKS]
KILLS = 10
SMALL = (
    *("--pairs", "Ar2Cl", "--methods", "lead,lead+genmix", "--seeds", "1"),
    *("--source-epochs", "2"),
)


@pytest.fixture(scope="module", autouse=True)
def begun_here(make_table: Callable[..., Path]) -> Path:
    """A table of this process: it imports, and draws the fractals, for those that are forked."""
    return make_table(*SMALL, "--source-epochs", "1")


def test_killed_at_ten_moments(
    quick: tuple[object, ...], numbers: Callable, tmp_path: Path
) -> None:
    def start(name: str) -> ForkedRun:
        return ForkedRun(tmp_path / f"cache-{name}", *quick, *SMALL, "--out", tmp_path / name)

    started = time.monotonic()
    assert start("straight").wait() == 0
    whole = time.monotonic() - started
    expected = numbers(tmp_path / "straight")
    draw = random.Random(7)
    killed = 0
    for number in range(KILLS):
        child = start(f"t{number}")
        child.wait(whole * (number + draw.random()) / KILLS)  # one in each tenth
        killed += child.kill() == KILLED
        assert start(f"t{number}").wait() == 0
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
        child = ForkedRun(tmp_path / "cache", *arguments, "--out", out)
        if child.wait(patience * (1 + draw.random())) is None and child.kill() == KILLED:
            patience *= 1.2  # so that it gets on however slow the machine
            continue
        assert child.poll() == 0
        break
    other = ForkedRun(tmp_path / "other-cache", *arguments, "--out", tmp_path / "other")
    assert other.wait() == 0
    assert numbers(out) == numbers(tmp_path / "other")
