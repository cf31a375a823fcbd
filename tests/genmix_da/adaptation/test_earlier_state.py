"""The state an epoch earlier: kept beside the state to go on from, which is never missing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from genmix_da.runs.folder import RunFolder


def epochs(run: RunFolder) -> tuple[int | None, int | None]:
    """Of the state and of the earlier one."""
    found = (run.load_state()[0], run.load_state(earlier=True)[0])
    first, second = (None if state is None else int(state["epoch"]) for state in found)
    return first, second


def no_links(*arguments: Any) -> None:
    raise OSError("no hard links here")


@pytest.mark.parametrize("links", [True, False])
def test_the_state_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    if not links:
        monkeypatch.setattr(os, "link", no_links)
    run = RunFolder(tmp_path)
    expected = [(1, None), (2, 1), (3, 2)]
    for epoch in (1, 2, 3):
        run.keep_state()
        run.save_state({"epoch": epoch}, [{"epoch": epoch}])
        assert epochs(run) == expected[epoch - 1]
    assert run.load_state(earlier=True)[1] == [{"epoch": 2}]
    # Killed before the next state is saved, and again.
    for _ in range(2):
        run.keep_state()
        assert epochs(run) == (3, 3)
    assert not list(tmp_path.glob(".*"))
    run.drop_state()
    assert epochs(run) == (None, None)
