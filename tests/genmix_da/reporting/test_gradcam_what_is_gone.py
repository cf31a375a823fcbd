"""Grad-CAM of runs whose files were moved, damaged or lost: it says so and shows the rest."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edited import described
from genmix_da.reporting.gradcam import grad_cam_rows


def test_frozen_backbone_and_its_weights_gone(
    adapt_once: Callable[..., Any], tmp_path: Path
) -> None:
    run = adapt_once(
        *("--split", "3/1/2", "--freeze-backbone", "--weights", "none"),
        *("--source-epochs", "1", "--epochs", "1"),
    )
    assert len(grad_cam_rows(run.folder, run.result, 2).rows) == 2
    copy = shutil.copytree(run.folder, tmp_path / "run")
    description = described(copy / "checkpoint.json")
    changed = description | {"weights": str(tmp_path / "gone.safetensors")}
    (copy / "checkpoint.json").write_text(json.dumps(changed))
    found = grad_cam_rows(copy, run.result, 2)
    assert found.rows == ()
    assert "gone.safetensors any more" in found.note
    assert "--" not in found.note  # there is no such option here


def without(name: str) -> Callable[[Path], None]:
    return lambda run: (run / name).unlink()


def cut(name: str) -> Callable[[Path], None]:
    return lambda run: (run / name).write_bytes((run / name).read_bytes()[:200])


def rewritten(old: str, new: str) -> Callable[[Path], None]:
    def change(run: Path) -> None:
        file = run / "predictions.csv"
        file.write_text(file.read_text().replace(old, new))

    return change


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (without("predictions.csv"), "there is no predictions.csv"),
        (without("checkpoint.safetensors"), "no checkpoint"),
        (cut("checkpoint.safetensors"), "checkpoint.safetensors"),
        (cut("checkpoint.json"), "checkpoint"),
        (rewritten("path,true", "file,true"), "predictions.csv cannot be read"),
        (lambda run: (run / "predictions.csv").write_text(""), "predictions.csv names no image"),
        (rewritten("Clipart", "Elsewhere"), "the target images are not where they were"),
    ],
)
def test_what_is_missing_is_said(
    copied: Path, finished: Any, damage: Callable[[Path], None], said: str
) -> None:
    damage(copied)
    found = grad_cam_rows(copied, finished.result)
    assert found.rows == ()
    assert found.note.startswith("No Grad-CAM: ") and said in found.note
    assert found.note.count("\n") == 0 and found.note.endswith(".")


def test_unfinished_run_and_missing_library(finished: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    unfinished = finished.result | {"status": "incomplete", "source_model": None}
    assert "not finished" in grad_cam_rows(finished.folder, unfinished).note
    monkeypatch.setitem(sys.modules, "pytorch_grad_cam", None)
    found = grad_cam_rows(finished.folder, finished.result)
    assert found.rows == () and "pip install grad-cam" in found.note


def test_source_model_gone_leaves_the_adapted_one(finished: Any) -> None:
    record = {"source_model": {"folder": "nowhere/sources/gone"}}
    found = grad_cam_rows(finished.folder, finished.result | record, 3)
    assert found.note == "No map of the source model: it is not at nowhere/sources/gone any more."
    assert len(found.rows) == 3
    assert all(row.before is None and row.cam_before is None for row in found.rows)


def test_source_model_without_description(finished: Any, tmp_path: Path) -> None:
    folder = Path(finished.result["source_model"]["folder"])
    alone = shutil.copy(folder / "checkpoint.safetensors", tmp_path / "given.safetensors")
    record = {"source_model": {"folder": str(alone), "reused": True}}
    given = grad_cam_rows(finished.folder, finished.result | record, 3)
    usual = grad_cam_rows(finished.folder, finished.result, 3)
    assert given.note == ""
    assert [row.before for row in given.rows] == [row.before for row in usual.rows]


def test_run_and_data_that_moved_together(
    finished: Any, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = finished.folder.parent
    old = Path("before/it/moved")
    shutil.copytree(finished.folder, tmp_path / "new" / "runs" / "run")
    shutil.copytree(home / "sources", tmp_path / "new" / "runs" / "sources")
    shutil.copytree(data, tmp_path / "new" / "data")
    run = tmp_path / "new" / "runs" / "run"
    rewritten(str(data), str(old / "data"))(run)
    source = old / "runs" / "sources" / Path(finished.result["source_model"]["folder"]).name
    found = grad_cam_rows(run, finished.result | {"source_model": {"folder": str(source)}}, 3)
    assert found.note == ""
    assert len(found.rows) == 3 and found.rows[0].path.startswith("before/it/moved/data")
    # Data elsewhere, named by the environment.
    shutil.move(tmp_path / "new" / "data", tmp_path / "shelf")
    monkeypatch.setenv("GENMIX_DA_DATA", str(tmp_path / "shelf"))
    assert len(grad_cam_rows(run, finished.result, 3).rows) == 3


def test_some_images_gone_give_way_to_others(copied: Path, finished: Any) -> None:
    wanted = {row.path for row in grad_cam_rows(copied, finished.result, 3).rows}
    gone = sorted(wanted)[0]
    rewritten(gone, gone.replace(".", "-gone."))(copied)
    found = grad_cam_rows(copied, finished.result, 3)
    assert len(found.rows) == 3
    assert found.note == "1 of the images wanted first are not where they were."
    assert gone not in {row.path for row in found.rows}
