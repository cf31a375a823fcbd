"""Run folders of other runs, damaged files in them, a full disk: one line each."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

OPDA = ("--split", "3/1/2")
QUICK = (*OPDA, "--source-epochs", 1, "--epochs", 1, "--cluster-estimator", "features")


def test_folder_of_another_run(refused: Callable, adapt: Callable) -> None:
    assert adapt(*QUICK).code == 0
    said = refused(*QUICK, "--seed", 5)
    assert "holds another run (seed 2021 instead of 5" in said
    assert "--out" in said


def test_folder_of_a_run_on_other_images(adapt: Callable, complaint: Callable, copy: Path) -> None:
    assert adapt("--data", copy, *QUICK).code == 0
    shutil.copy(copy / "Clipart" / "fig" / "01.png", copy / "Clipart" / "fig" / "03.png")
    assert "holds another run" in complaint(adapt("--data", copy, *QUICK, "--resume"))


def test_finished_run_is_not_overwritten(adapt: Callable, complaint: Callable) -> None:
    assert adapt(*QUICK).code == 0
    said = complaint(adapt(*QUICK))
    assert "already holds a finished run" in said
    assert "--resume" in said


def test_unfinished_run_is_not_overwritten(
    adapt: Callable, complaint: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("genmix_da.adaptation.run.obtain_source", interrupted)
        assert adapt(*QUICK).code == 130
    said = complaint(adapt(*QUICK))
    assert "already holds an unfinished run" in said
    assert "--resume" in said


@pytest.mark.parametrize(
    "content", [b'{"status": ', b"\xff\xfe\x00", b"", b"[" * 100_000], ids=range(4)
)
def test_damaged_result(
    adapt: Callable, complaint: Callable, tmp_path: Path, content: bytes
) -> None:
    assert adapt(*QUICK).code == 0
    file = tmp_path / "runs" / "run" / "result.json"
    file.write_bytes(content)
    said = complaint(adapt(*QUICK, "--resume"))
    assert str(file) in said
    assert "remove it" in said
    file.unlink()
    assert adapt(*QUICK, "--resume").code == 0  # the way to mend it works


@pytest.mark.parametrize("content", [b"a: [", b"\xff\xfe\x00"])
def test_damaged_config(refused: Callable, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "runs" / "run" / "config.yaml"
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    assert str(file) in refused(*QUICK)


def test_damaged_training_state(
    adapt: Callable, complaint: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("genmix_da.adaptation.added_graph.write_predictions", interrupted)
        assert adapt(*QUICK).code == 130
    file = tmp_path / "runs" / "run" / "state.pt"
    file.write_bytes(file.read_bytes()[:1000])
    assert str(file) in complaint(adapt(*QUICK, "--resume"))


def test_out_is_a_file(refused: Callable, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert str(file) in refused(*QUICK, "--out", file)
    assert str(file) in refused(*QUICK, "--out", file / "below")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_out_cannot_be_written(refused: Callable, tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    said = refused(*QUICK, "--out", locked / "run")
    assert "no permission" in said
    assert str(locked) in said


@pytest.mark.parametrize("place", ["cache", "result"])
def test_full_disk(
    adapt: Callable, complaint: Callable, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        if place == "cache":
            patch.setattr("genmix_da.data.decode.os.posix_fallocate", full)
        else:
            patch.setattr("genmix_da.adaptation.added_graph.write_predictions", full)
        assert "the disk is full" in complaint(adapt(*QUICK))
    assert adapt(*QUICK, "--resume").code == 0
