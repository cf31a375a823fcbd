"""A table that is killed at any moment ends, started again, as one that never was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from killed import FORKS, KILLED, ForkedRun, wait_until

pytestmark = FORKS
RUNS = 2  # of the table; each is killed as it begins


def begun(folder: Path) -> int:
    """The runs that have begun: each writes its result.json first."""
    return len(list(folder.glob("classification/*/*/result.json")))


def test_killed_and_started_again(
    whole: Path, quick: tuple[object, ...], data: Path, rows_of: Callable, tmp_path: Path
) -> None:
    options = ("--data", data / "Art", "--methods", "none,genmix", "--seeds", "1")

    def start(name: str) -> ForkedRun:
        return ForkedRun(tmp_path / f"cache-{name}", *quick, *options, "--out", tmp_path / name)

    assert start("straight").wait() == 0
    expected = rows_of(tmp_path / "straight")
    for run in range(1, RUNS + 1):
        child, folder = start(f"t{run}"), tmp_path / f"t{run}"
        wait_until(child, lambda f=folder, n=run: begun(f) >= n)
        assert child.kill() == KILLED
        assert start(f"t{run}").wait() == 0
        assert rows_of(folder) == expected
