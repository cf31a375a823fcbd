"""Killed at twenty random moments, four commands end, gone on with, as if they never were."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

import tiny_runs
from killed import FORKS
from kills import KINDS, kill_and_resume

# A table, which takes longest, has another test that kills it again and again.
KILLS = {"adapt": 5, "augment": 4, "table": 2, "classify train": 9}
pytestmark = [pytest.mark.slow, *FORKS]


@pytest.fixture(scope="module", autouse=True)
def few_small_fractals() -> Iterator[None]:
    with tiny_runs.few_small_fractals():
        yield


@pytest.mark.parametrize("name", KINDS)
def test_killed_and_gone_on_with(name: str, data: Path, tmp_path: Path) -> None:
    for tally in kill_and_resume(KINDS[name], data, tmp_path, KILLS[name], random.Random(7)):
        assert tally.unequal == []
    assert tally.kills == KILLS[name]
    assert tally.things >= 3
    assert len(tally.states) >= 2  # the kills fell on different work
