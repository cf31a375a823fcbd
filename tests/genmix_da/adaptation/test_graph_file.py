"""What a run leaves of its graph: read back, made again, or refused in one sentence."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edited import described

OPDA = ("--split", "3/1/2")


def test_graph_file_is_described(finished: Any) -> None:
    about = json.loads((finished.folder / "graph.json").read_text())
    assert about["rejection"] == finished.result["graph"]["rejection"]
    assert about["views"] == finished.result["graph"]["settings"]["views"] == "one"


@pytest.mark.parametrize("damage", ["missing", "cut"])
def test_a_lost_graph_file_is_made_again(
    finished: Any, adapt: Callable[..., Any], tmp_path: Path, damage: str, computed_nothing: None
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(finished.folder, folder)
    file = folder / "graph.safetensors"
    whole = file.read_bytes()
    file.unlink()
    if damage == "cut":
        file.write_bytes(whole[:100])
    result = adapt(*OPDA, "--out", folder, "--resume", "--json").json()
    assert result == finished.result
    assert len(file.read_bytes()) == len(whole)


@pytest.fixture
def predicting(finished: Any, data: Path, tmp_path: Path) -> tuple[Path, tuple[Any, ...]]:
    """A copy of a finished run, and the arguments that predict with it."""
    folder = tmp_path / "run"
    shutil.copytree(finished.folder, folder)
    return folder, ("predict", folder, data / "Clipart", "--out", tmp_path / "p.csv")


def test_a_graph_of_another_run_is_refused(
    predicting: tuple[Path, tuple[Any, ...]],
    run: Callable[..., Any],
    complaint: Callable[..., str],
) -> None:
    from lead.checkpoint import load_checkpoint, save_checkpoint

    folder, arguments = predicting
    tensors, about = load_checkpoint(folder / "graph.safetensors")
    save_checkpoint(
        folder / "graph.safetensors", tensors | {"masses": tensors["masses"][:, 1:]}, about
    )
    assert "another run" in complaint(run(*arguments))
    save_checkpoint(folder / "graph.safetensors", tensors, about | {"checkpoint": "0" * 64})
    assert "of another checkpoint" in complaint(run(*arguments))
    (folder / "graph.safetensors").write_bytes(b"nothing")
    assert "--no-graph" in complaint(run(*arguments))
    assert run(*arguments, "--no-graph").code == 0


def test_a_threshold_that_is_no_number_is_refused(
    predicting: tuple[Path, tuple[Any, ...]],
    run: Callable[..., Any],
    complaint: Callable[..., str],
) -> None:
    folder, arguments = predicting
    about = described(folder / "graph.json")
    whole = about["rejection"]
    about["rejection"] = whole | {"threshold": "x"}
    (folder / "graph.json").write_text(json.dumps(about))
    assert "no rule or no threshold" in complaint(run(*arguments))
    for change in ({"threshold": float("nan")}, {"far_weight": float("inf")}, {"far_weight": "x"}):
        about["rejection"] = whole | change
        (folder / "graph.json").write_text(json.dumps(about))
        assert "graph" in complaint(run(*arguments))


def test_calibrating_nothing_is_said(
    predicting: tuple[Path, tuple[Any, ...]],
    run: Callable[..., Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    _, arguments = predicting
    assert run(*arguments, "--calibrate").code == 0
    assert "changes nothing" not in caplog.text
    assert run(*arguments, "--calibrate", "--no-graph").code == 0
    assert "--calibrate changes nothing" in caplog.text


def test_an_incomplete_description_of_the_graph_is_refused(
    predicting: tuple[Path, tuple[Any, ...]],
    run: Callable[..., Any],
    complaint: Callable[..., str],
) -> None:
    folder, arguments = predicting
    whole = (folder / "graph.json").read_text()
    for name in ("views", "rejection", "config"):
        about = json.loads(whole)
        del about[name]
        (folder / "graph.json").write_text(json.dumps(about))
        assert "graph" in complaint(run(*arguments))
