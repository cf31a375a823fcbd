"""A run that was interrupted at any moment ends, resumed, exactly as one that never was."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from genmix_da.classify import run as running
from genmix_da.classify import train
from genmix_da.runs.folder import RunFolder
from killed import KILLED, ForkedRun, lines_of, needs_fork, wait_until
from lead.checkpoint import load_state

EPOCHS = 8
# Mixed batches and pictures: every kind of draw there is has to be repeated.
METHOD = "cutmix"


@pytest.fixture(scope="module")
def whole(data: Path, tmp_path_factory: pytest.TempPathFactory, tiny: dict[str, Any]) -> Path:
    """The uninterrupted run."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENMIX_DA_CACHE", str(tmp_path_factory.mktemp("cache")))
        options = tiny | {"augment": METHOD, "epochs": EPOCHS}
        train(data=data / "Art", out=folder, **options)
    return folder


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The epochs that were computed."""
    epochs: list[int] = []
    original = running.train_epochs

    def counted(*arguments: Any, **options: Any) -> Iterator[Any]:
        for epoch in original(*arguments, **options):
            epochs.append(epoch.epoch)
            yield epoch

    monkeypatch.setattr(running, "train_epochs", counted)
    return epochs


def assert_same(folder: Path, whole: Path) -> None:
    result, expected = (json.loads((f / "result.json").read_text()) for f in (folder, whole))
    assert result["status"] == "done"
    assert result["scores"] == expected["scores"]
    assert (folder / "predictions.csv").read_text() == (whole / "predictions.csv").read_text()
    losses = [
        [json.loads(line)["loss"] for line in (f / "metrics.jsonl").read_text().splitlines()]
        for f in (folder, whole)
    ]
    assert losses[0] == losses[1]
    weights = [(f / "checkpoint.safetensors").read_bytes() for f in (folder, whole)]
    assert weights[0] == weights[1]
    assert not (folder / "state.pt").exists()


@pytest.mark.parametrize(("epoch", "saved"), [(1, True), (3, False), (EPOCHS, True)])
def test_interrupted(
    classify: Callable[..., Any],
    whole: Path,
    folder: Path,
    computed: list[int],
    epoch: int,
    saved: bool,
) -> None:
    save = RunFolder.save_state

    def stopping(self: RunFolder, state: Any, metrics: list[dict[str, Any]]) -> None:
        here = metrics[-1]["epoch"] == epoch
        if saved or not here:
            save(self, state, metrics)
        if here:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunFolder, "save_state", stopping)
        assert classify("--augment", METHOD, "--epochs", EPOCHS).code == 130
    assert json.loads((folder / "result.json").read_text())["status"] == "incomplete"
    assert classify("--augment", METHOD, "--epochs", EPOCHS, "--resume").code == 0
    assert_same(folder, whole)
    again = [] if saved else [epoch]
    assert sorted(computed) == sorted([*range(1, EPOCHS + 1), *again])


@needs_fork
def test_killed(
    classify: Callable[..., Any],
    data: Path,
    whole: Path,
    folder: Path,
    computed: list[int],
    tiny_arguments: tuple[str, ...],
    tmp_path: Path,
) -> None:
    method = ("--augment", METHOD, "--epochs", EPOCHS)
    given = ("--data", data / "Art", *tiny_arguments, *method, "--out", folder)
    child = ForkedRun(tmp_path / "cache", "classify", "train", *given)
    wait_until(child, lambda: lines_of(folder, "metrics.jsonl") >= 2)
    assert child.kill() == KILLED
    assert json.loads((folder / "result.json").read_text())["status"] == "incomplete"
    done = int(load_state(folder / "state.pt")["epoch"])
    assert classify(*method, "--resume").code == 0
    assert_same(folder, whole)
    assert done >= 2
    assert computed == [*range(done + 1, EPOCHS + 1)]
