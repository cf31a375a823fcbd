"""A table that is killed at any moment ends, started again, as one that never was.

Killed once, at ten moments: tests/test_kills.py.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from killed import FORKS, KILLED, ForkedRun

pytestmark = [pytest.mark.slow, *FORKS]
SMALL = (
    *("--pairs", "Ar2Cl", "--methods", "lead,lead+genmix", "--seeds", "1"),
    *("--source-epochs", "2"),
)


@pytest.fixture(scope="module", autouse=True)
def begun_here(make_table: Callable[..., Path]) -> Path:
    """A table of this process: it imports, and draws the fractals, for those that are forked."""
    return make_table(*SMALL, "--source-epochs", "1")


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
