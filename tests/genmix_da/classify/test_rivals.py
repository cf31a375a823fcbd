"""Methods that ask the network, and random erasing, in runs: trained, interrupted, resumed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genmix_da.runs.folder import RunFolder

RIVALS = {
    "random-erasing": (),
    "snapmix": (),
    "guidedmixup": ("--augment-option", "probability=1"),
    "guidedmixup-ap": ("--augment-option", "saliency=ap", "--augment-option", "probability=1"),
    "puzzlemix": (),
    "comixup": (),
}
# At 32 pixels the smallest of timm's networks ends with a single cell.
SIZE = ("--image-size", "64", "--epochs", "2", "--steps", "6")


def results(folder: Path) -> dict[str, Any]:
    found = json.loads((folder / "result.json").read_text())
    assert found["status"] == "done"
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return {
        "scores": found["scores"],
        "losses": [json.loads(line)["loss"] for line in lines],
        "weights": (folder / "checkpoint.safetensors").read_bytes(),
    }


@pytest.mark.parametrize("name", RIVALS)
def test_a_run_and_an_interrupted_one_end_alike(
    name: str, classify: Callable[..., Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    method = ("--augment", name.removesuffix("-ap"), *RIVALS[name], *SIZE)
    whole = folder.parent / "whole"
    assert classify(*method, "--out", whole).code == 0
    plain = folder.parent / "plain"
    assert classify("--augment", "none", *SIZE, "--out", plain).code == 0
    save = RunFolder.save_state

    def stopping(self: RunFolder, state: Any, metrics: list[dict[str, Any]]) -> None:
        save(self, state, metrics)
        if metrics[-1]["epoch"] == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "save_state", stopping)
        assert classify(*method).code == 130
    assert classify(*method, "--resume").code == 0
    expected = results(whole)
    assert results(folder) == expected
    assert results(plain)["losses"] != expected["losses"]


def test_snapmix_says_when_there_is_no_map(refused: Callable[..., str]) -> None:
    said = refused("--augment", "snapmix")
    assert "snapmix: at 32 px this backbone has no map of more than one cell" in said


def test_several_devices_are_refused(refused: Callable[..., str]) -> None:
    said = refused("--augment", "puzzlemix", "--devices", "cpu,cpu", "--device", "auto")
    assert "--devices does not go with --augment puzzlemix" in said
