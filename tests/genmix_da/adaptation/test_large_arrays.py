"""A run whose arrays all lie in files is, byte for byte, one whose arrays are in memory."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genmix_da.runs.folder import RunFolder

OPDA = ("--split", "3/1/2")
FROZEN = ("--freeze-backbone", "--weights", "none")


@pytest.fixture
def in_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every array of a run, however small."""
    for name in ("large.LIMIT", "feature_views.IN_MEMORY", "checkpoint.LIMIT"):
        monkeypatch.setattr(f"lead.{name}", 0)


def contents(folder: Path) -> dict[str, bytes]:
    """What of a run does not say when and where it was."""
    own = {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}
    timed = {"result.json", "metrics.jsonl", "log.txt", "config.yaml"}
    timed |= {"checkpoint.json", "graph.json"}
    return {str(name): path.read_bytes() for name, path in own.items() if name.name not in timed}


@pytest.mark.parametrize("options", [OPDA, (*OPDA, *FROZEN)], ids=["trained", "frozen"])
def test_files_change_nothing_and_none_is_left(
    adapt: Callable, adapt_once: Callable, tmp_path: Path, in_files: None, options: tuple[str, ...]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("large.LIMIT", "feature_views.IN_MEMORY", "checkpoint.LIMIT"):
            patch.setattr(f"lead.{name}", 2**24)
        expected = adapt_once(*options)
    assert adapt(*options).code == 0
    folder = tmp_path / "runs" / "run"
    assert contents(folder) == contents(expected.folder)
    assert {file.name for file in folder.iterdir()} == {p.name for p in expected.folder.iterdir()}


def test_an_interrupted_run_goes_on_from_a_mapped_state(
    adapt: Callable, finished: Any, tmp_path: Path, in_files: None
) -> None:
    save = RunFolder.save_state

    def stop(self: RunFolder, state: Any, metrics: list[dict[str, Any]]) -> None:
        save(self, state, metrics)
        if (metrics[-1]["stage"], metrics[-1]["epoch"]) == ("target", 1):
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunFolder, "save_state", stop)
        adapt(*OPDA)
    assert adapt(*OPDA, "--resume").code == 0
    assert contents(tmp_path / "runs" / "run") == contents(finished.folder)


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="space is not reserved here")
def test_a_disk_without_room_for_the_arrays_is_one_sentence(
    adapt: Callable,
    complaint: Callable,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    in_files: None,
) -> None:
    assert adapt(*OPDA, "--epochs", 1).code == 0  # images and source model are there
    reserve, out = os.posix_fallocate, tmp_path / "runs" / "other"

    def full(descriptor: int, offset: int, length: int) -> None:
        if out.name in str(Path(f"/proc/self/fd/{descriptor}").readlink()):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        reserve(descriptor, offset, length)

    monkeypatch.setattr(os, "posix_fallocate", full)
    said = complaint(adapt(*OPDA, "--epochs", 1, "--out", out))
    assert "the disk is full" in said
    assert str(out) in said
