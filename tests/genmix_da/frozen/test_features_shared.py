"""Features of a frozen backbone are computed once, whoever needs them, stopped or not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genmix_da.frozen.encoder import FrozenEncoder
from genmix_da.runs.folder import RunFolder

Options = tuple[object, ...]
GENMIX = (
    "--augment",
    "genmix",
    "--editor",
    "filters",
    "--features",
    "off",
    "--edit-size",
    "32",
    "--per-image",
    "1",
)


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts the images that are encoded."""
    found: list[int] = []
    encode = FrozenEncoder.encode

    def counted(self: FrozenEncoder, views: Any) -> Any:
        found.append(len(views) // 6)
        return encode(self, views)

    monkeypatch.setattr(FrozenEncoder, "encode", counted)
    return found


def test_features_are_shared_by_runs(
    adapt: Callable, frozen_options: Options, encoded: list[int], tmp_path: Path
) -> None:
    quick = (*frozen_options, "--source-epochs", 1, "--epochs", 1)
    assert adapt(*quick).code == 0
    # 48 of Art's classes in use, 60 of Clipart's.
    assert sum(encoded) == 48 + 60
    assert adapt(*quick, "--seed", 7, "--out", tmp_path / "runs" / "other").code == 0
    assert sum(encoded) == 48 + 60
    assert adapt(*quick, "--tgt", "Product", "--out", tmp_path / "runs" / "third").code == 0
    assert sum(encoded) == 48 + 60 + 60


def test_augmented_images_are_encoded_too(
    adapt: Callable, frozen_options: Options, encoded: list[int], tmp_path: Path
) -> None:
    quick = (*frozen_options, *GENMIX, "--source-epochs", 1, "--epochs", 1)
    assert adapt(*quick).code == 0
    result = json.loads((tmp_path / "runs" / "run" / "result.json").read_text())
    assert result["method"] == "lead+genmix[filters] (frozen)"
    kept = result["source_model"]["augment"]["kept"]
    assert kept > 0
    assert sum(encoded) == 48 + kept + 60
    assert adapt(*quick, "--seed", 5, "--out", tmp_path / "runs" / "other").code == 0
    assert sum(encoded) == 48 + kept + 60


def assert_same(folder: Path, straight: Any) -> None:
    result = json.loads((folder / "result.json").read_text())
    assert result["status"] == "done"
    assert result["scores"] == straight.result["scores"]
    assert (folder / "predictions.csv").read_text() == straight.predictions


@pytest.mark.parametrize(("stage", "epoch"), [("source", 2), ("target", 1)])
def test_resumed_run_equals_an_uninterrupted_one(
    adapt: Callable,
    frozen_options: Options,
    frozen_run: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    stage: str,
    epoch: int,
) -> None:
    save = RunFolder.save_state

    def stopping(self: RunFolder, state: Any, metrics: list[dict[str, Any]]) -> None:
        save(self, state, metrics)
        if (metrics[-1]["stage"], metrics[-1]["epoch"]) == (stage, epoch):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "save_state", stopping)
        assert adapt(*frozen_options).code == 130
    assert adapt(*frozen_options, "--resume").code == 0
    assert_same(tmp_path / "runs" / "run", frozen_run)


def test_stopped_while_encoding(
    adapt: Callable,
    frozen_options: Options,
    frozen_run: Any,
    encoded: list[int],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """What was encoded is kept, and the result is that of a run that was never stopped."""
    counted = FrozenEncoder.encode

    def stopping(self: FrozenEncoder, views: Any) -> Any:
        if len(encoded) == 60:  # in the target
            raise KeyboardInterrupt
        return counted(self, views)

    with monkeypatch.context() as patch:
        patch.setattr(FrozenEncoder, "encode", stopping)
        assert adapt(*frozen_options).code == 130
    assert len(encoded) == 60
    assert adapt(*frozen_options, "--resume").code == 0
    assert len(encoded) == 48 + 60
    assert_same(tmp_path / "runs" / "run", frozen_run)
