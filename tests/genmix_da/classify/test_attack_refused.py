"""`classify attack`: what it needs of a run, and what it refuses in one sentence."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from genmix_da.classify import attack, train
from lead.backbones import build_backbone


def test_no_run_folder(run: Callable[..., Any], complaint: Callable, tmp_path: Path) -> None:
    said = complaint(run("classify", "attack", tmp_path))
    assert f"{tmp_path} is no run folder of genmix-da classify train" in said


def test_unfinished_run(run: Callable[..., Any], complaint: Callable, run_folder: Path) -> None:
    (run_folder / "result.json").unlink()
    assert "holds no finished classification" in complaint(run("classify", "attack", run_folder))


def test_no_checkpoint(run: Callable[..., Any], complaint: Callable, run_folder: Path) -> None:
    (run_folder / "checkpoint.safetensors").unlink()
    said = complaint(run("classify", "attack", run_folder))
    assert f"{run_folder} has no checkpoint.safetensors, so there is nothing to attack" in said
    assert "--weights" not in said


def test_what_was_trained_on_may_be_gone(
    run: Callable[..., Any],
    complaint: Callable,
    data: Path,
    tmp_path: Path,
    tiny: dict[str, Any],
    style_files: dict[str, str],
) -> None:
    parts, out = tmp_path / "parts", tmp_path / "run"
    styles = {name: Path(shutil.copy(file, tmp_path)) for name, file in style_files.items()}
    shutil.copytree(data / "Art", parts / "train")
    shutil.copytree(data / "Clipart", parts / "test")
    weights = tmp_path / "w.pt"
    backbone = build_backbone(tiny["backbone"], weights="none", arguments={})
    torch.save(backbone.module.state_dict(), weights)
    options = tiny | {"epochs": 1, "weights": str(weights), "test_limit": 18}
    options |= {"augment": "stylemix", "augment_options": styles | {"side": 32, "probability": 1}}
    train(data=parts, out=out, **options)
    expected = attack(out, pgd_steps=1)
    shutil.rmtree(parts / "train")
    for file in (weights, *styles.values()):
        file.unlink()
    assert attack(out, pgd_steps=1)["fgsm"] == expected["fgsm"]
    moved = shutil.move(parts / "test", tmp_path / "moved")
    assert attack(out, pgd_steps=1, test_data=moved)["fgsm"] == expected["fgsm"]
    (Path(moved) / "fig").rename(Path(moved) / "mango")
    said = complaint(run("classify", "attack", out, "--test-data", moved))
    assert "has a class that the run does not know, 'mango'; check" in said


@pytest.mark.parametrize("without", ["provenance", "identity"])
def test_result_that_was_changed(
    run: Callable[..., Any], complaint: Callable, run_folder: Path, without: str
) -> None:
    result = json.loads((run_folder / "result.json").read_text())
    changed = {**result, "provenance": None} if without == "provenance" else result
    changed.pop("identity")
    (run_folder / "result.json").write_text(json.dumps(changed))
    said = complaint(run("classify", "attack", run_folder))
    assert "result.json does not say what the run was scored on" in said


def test_other_test_images(
    run: Callable[..., Any], complaint: Callable, run_folder: Path, data: Path
) -> None:
    said = complaint(run("classify", "attack", run_folder, "--data", data / "Clipart"))
    assert "are not those it was scored on any more; check --data" in said


def test_checkpoint_that_does_not_fit(
    run: Callable[..., Any], complaint: Callable, run_folder: Path
) -> None:
    config = (run_folder / "config.yaml").read_text()
    changed = config.replace("test_efficientnet", "test_efficientnet_gn")
    (run_folder / "config.yaml").write_text(changed)
    assert "does not fit its config.yaml" in complaint(run("classify", "attack", run_folder))


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--epsilon", "8", "so give 8/255, not 8"),
        ("--radii", "1/255,3", "the radius 3 is not in [0, 1]"),
        ("--pgd-steps", "0", "must be above 0"),
        ("--pgd-step-size", "0", "must be above 0"),
        ("--pgd-step-size", "1e999", "must be above 0 and finite"),
    ],
)
def test_numbers_out_of_range(
    run: Callable[..., Any],
    complaint: Callable,
    run_folder: Path,
    option: str,
    value: str,
    said: str,
) -> None:
    assert said in complaint(run("classify", "attack", run_folder, option, value))


@pytest.mark.parametrize(("option", "value"), [("--epsilon", "1/255,2/255"), ("--radii", "much")])
def test_no_numbers(run: Callable[..., Any], run_folder: Path, option: str, value: str) -> None:
    outcome = run("classify", "attack", run_folder, option, value)
    assert outcome.code == 2
    assert f"{value!r} is not " in outcome.err
