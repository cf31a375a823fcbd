"""Adaptation with frozen models of the transformers library."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml


@pytest.mark.parametrize("kind", ["dinov2", "clip"])
def test_models_of_transformers(
    adapt: Callable, run: Callable, tower: Callable, data: Path, tmp_path: Path, kind: str
) -> None:
    pytest.importorskip("transformers")
    config = tmp_path / "config.yaml"
    config.write_text(
        yaml.safe_dump(
            {
                "data": str(data),
                "src": "Art",
                "tgt": "Clipart",
                "split": "3/1/2",
                "backbone": f"transformers:{tower(kind)}",
                "freeze_backbone": True,
                "augment": "none",
                "batch_size": 8,
                "source_epochs": 2,
                "epochs": 1,
                "cluster_estimator": "features",
                "device": "cpu",
            }
        )
    )
    folder = tmp_path / "runs" / kind
    result = run("adapt", "--config", config, "--out", folder, "--json").json()
    assert result["method"] == "lead (frozen)"
    settled = yaml.safe_load((folder / "config.yaml").read_text())
    assert (settled["weights"], settled["image_size"]) == ("pretrained", 32)
    moved = shutil.copytree(tower(kind), tmp_path / "moved")
    arguments = ("evaluate", folder, "--tgt", "Clipart", "--data", data, "--device", "cpu")
    for more in ((), ("--weights", moved)):
        found = run(*arguments, *more, "--json").json()["scores"]
        assert found["auroc"] == pytest.approx(result["scores"]["last"]["auroc"], abs=1e-3)
    # The settings that a run leaves can be run again, and the folder may have moved.
    again = ("adapt", "--config", folder / "config.yaml", "--out", folder, "--resume", "--json")
    assert run(*again, "--backbone", f"transformers:{moved}").json() == result


def test_genmix_compares_edits_by_the_tower(
    run: Callable, tower: Callable, data: Path, tmp_path: Path
) -> None:
    pytest.importorskip("transformers")
    folder = tmp_path / "runs" / "run"
    result = run(
        *("adapt", "--src", "Art", "--tgt", "Clipart", "--data", data, "--split", "3/1/2"),
        *("--backbone", f"transformers:{tower('siglip')}", "--freeze-backbone"),
        *("--batch-size", 8, "--source-epochs", 1, "--epochs", 1, "--device", "cpu"),
        *("--cluster-estimator", "features", "--augment", "genmix", "--editor", "filters"),
        *("--features", "backbone", "--edit-size", 32, "--per-image", 1, "--out", folder, "--json"),
    ).json()
    assert result["method"] == "lead+genmix[filters] (frozen)"
    assert result["source_model"]["augment"]["features"].startswith("backbone transformers:")
