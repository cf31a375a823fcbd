"""A run that was interrupted at any moment ends, resumed, exactly as one that never was.

Finished epochs are not computed again: the tests count the epochs that are.
"""

from __future__ import annotations

import errno
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import lead.target
from genmix_da.adaptation import source_model
from genmix_da.runs.folder import RunFolder
from killed import KILLED, ForkedRun, lines_of, needs_fork, wait_until
from lead.checkpoint import load_state

OPDA = ("--split", "3/1/2")
SOURCE_EPOCHS, EPOCHS = 4, 2


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[int]]:
    """Stage -> the epochs that were computed."""
    epochs: dict[str, list[int]] = {"source": [], "target": []}

    def count(stage: str, module: Any, name: str) -> None:
        stage_of = getattr(module, name)

        def counted(*arguments: Any, **options: Any) -> Iterator[Any]:
            for epoch in stage_of(*arguments, **options):
                epochs[stage].append(epoch.epoch)
                yield epoch

        monkeypatch.setattr(module, name, counted)

    count("source", source_model, "train_source")
    count("target", lead.target, "adapt_target")
    return epochs


def stop_at(
    patch: pytest.MonkeyPatch, stage: str, epoch: int, *, saved: bool, error: BaseException
) -> None:
    """Raise an error just after, or just before, the state of an epoch is saved."""
    save = RunFolder.save_state

    def stopping(self: RunFolder, state: Any, metrics: list[dict[str, Any]]) -> None:
        here = (metrics[-1]["stage"], metrics[-1]["epoch"]) == (stage, epoch)
        if here and not saved:
            raise error
        save(self, state, metrics)
        if here:
            raise error

    patch.setattr(RunFolder, "save_state", stopping)


def assert_same(folder: Path, finished: Any) -> None:
    result = json.loads((folder / "result.json").read_text())
    assert result["status"] == "done"
    assert result["scores"] == finished.result["scores"]
    assert result["source_only"] == finished.result["source_only"]
    assert (folder / "predictions.csv").read_text() == finished.predictions
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [row["losses"] for row in rows] == [row["losses"] for row in finished.metrics]
    assert not (folder / "state.pt").exists()


@pytest.mark.parametrize(
    ("stage", "epoch", "saved"),
    [
        ("source", 1, True),
        ("source", 2, False),
        ("source", SOURCE_EPOCHS, True),
        ("target", 0, True),
        ("target", 1, True),
        ("target", 2, False),
        ("target", EPOCHS, True),
    ],
)
def test_resumed_run_equals_an_uninterrupted_one(
    adapt: Callable,
    finished: Any,
    computed: dict[str, list[int]],
    tmp_path: Path,
    stage: str,
    epoch: int,
    saved: bool,
) -> None:
    folder = tmp_path / "runs" / "run"
    with pytest.MonkeyPatch.context() as patch:
        stop_at(patch, stage, epoch, saved=saved, error=KeyboardInterrupt())
        stopped = adapt(*OPDA)
    assert stopped.code == 130
    assert "--resume" in stopped.complaints[0]
    assert json.loads((folder / "result.json").read_text())["status"] == "incomplete"
    assert adapt(*OPDA, "--resume").code == 0
    assert_same(folder, finished)
    # Every epoch once; the one that was lost before it was saved, twice.
    expected = {"source": [*range(1, SOURCE_EPOCHS + 1)], "target": [*range(EPOCHS + 1)]}
    if not saved:
        expected[stage].append(epoch)
    assert computed == {name: sorted(epochs) for name, epochs in expected.items()}


def test_interrupted_in_the_middle_of_an_epoch(
    adapt: Callable, finished: Any, computed: dict[str, list[int]], tmp_path: Path
) -> None:
    step, calls = lead.target.adaptation_step, []

    def interrupted(*arguments: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 10:  # of seven steps an epoch: in the second one
            raise KeyboardInterrupt
        return step(*arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lead.target, "adaptation_step", interrupted)
        assert adapt(*OPDA).code == 130
    assert computed["target"] == [0, 1]
    assert adapt(*OPDA, "--resume").code == 0
    assert_same(tmp_path / "runs" / "run", finished)
    assert computed == {"source": [1, 2, 3, 4], "target": [0, 1, 2]}


@pytest.mark.parametrize("stage", ["source", "target"])
def test_full_disk_keeps_what_is_finished(
    adapt: Callable,
    finished: Any,
    computed: dict[str, list[int]],
    complaint: Callable,
    tmp_path: Path,
    stage: str,
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        full = OSError(errno.ENOSPC, "No space left on device")
        stop_at(patch, stage, 2, saved=False, error=full)
        said = complaint(adapt(*OPDA))
    assert "the disk is full" in said
    assert "--resume" in said
    assert adapt(*OPDA, "--resume").code == 0
    assert_same(tmp_path / "runs" / "run", finished)
    assert computed[stage].count(1) == 1


def test_resume_of_a_finished_run_computes_nothing(
    adapt: Callable, computed: dict[str, list[int]], tmp_path: Path
) -> None:
    assert adapt(*OPDA, "--epochs", 1).code == 0
    first = (tmp_path / "runs" / "run" / "result.json").read_text()
    again = adapt(*OPDA, "--epochs", 1, "--resume", "--json")
    assert again.json() == json.loads(first)
    assert computed == {"source": [1, 2, 3, 4], "target": [0, 1]}


def test_resume_of_nothing_starts(adapt: Callable) -> None:
    assert adapt(*OPDA, "--source-epochs", 1, "--epochs", 1, "--resume").code == 0


def test_source_command_goes_on_by_itself(
    run: Callable, data: Path, computed: dict[str, list[int]], tmp_path: Path
) -> None:
    arguments = (
        *("source", "--src", "Art", "--data", data, "--split", "6/0/0", "--setting", "osda"),
        *("--backbone", "timm:test_efficientnet", "--weights", "none", "--image-size", 32),
        *(
            "--batch-size",
            8,
            "--source-epochs",
            3,
            "--device",
            "cpu",
            "--out",
            tmp_path / "sources",
        ),
        *("--augment", "none"),
    )
    with pytest.MonkeyPatch.context() as patch:
        stop_at(patch, "source", 2, saved=True, error=KeyboardInterrupt())
        assert run(*arguments).code == 130
    assert run(*arguments).code == 0
    assert computed["source"] == [1, 2, 3]


# Epochs enough for the kill to fall between them, in stages that take a second or two.
LONG = ("--source-epochs", 12, "--epochs", 10, "--cluster-estimator", "features", *OPDA)


@pytest.fixture(scope="module")
def long_run(adapt_once: Callable) -> Any:
    """The uninterrupted run that the killed ones are held against."""
    return adapt_once(*LONG)


def arguments_of(data: Path, folder: Path) -> tuple[object, ...]:
    return (
        *("adapt", "--src", "Art", "--tgt", "Clipart", "--data", data, "--out", folder),
        *("--backbone", "timm:test_efficientnet", "--weights", "none", "--image-size", "32"),
        *("--batch-size", "8", "--source-lr", "0.04", "--source-backbone-factor", "1"),
        *("--threshold", "0.85", "--lambda-psd", "0.3", "--device", "cpu", *LONG),
        *("--augment", "none"),
    )


@needs_fork
@pytest.mark.parametrize(
    ("stage", "pattern"),
    [("source", "sources/*/metrics.jsonl"), ("target", "run/metrics.jsonl")],
)
def test_killed_run_goes_on_to_the_same_result(
    run: Callable,
    computed: dict[str, list[int]],
    long_run: Any,
    data: Path,
    tmp_path: Path,
    stage: str,
    pattern: str,
) -> None:
    runs = tmp_path / "runs"
    child = ForkedRun(tmp_path / "cache", *arguments_of(data, runs / "run"))
    wait_until(child, lambda: lines_of(runs, pattern) >= 3)
    assert child.kill() == KILLED
    assert json.loads((runs / "run" / "result.json").read_text())["status"] == "incomplete"
    done = int(load_state(next(runs.glob(f"{Path(pattern).parent}/state.pt")))["epoch"])
    assert run(*arguments_of(data, runs / "run"), "--resume").code == 0
    assert_same(runs / "run", long_run)
    source = [] if stage == "target" else [*range(done + 1, 13)]
    target = [*range(done + 1, 11)] if stage == "target" else [*range(11)]
    assert computed == {"source": source, "target": target}
    assert done >= 2


def test_interrupt_key_is_exit_code_130(data: Path, tmp_path: Path) -> None:
    arguments = map(str, arguments_of(data, tmp_path / "runs" / "run"))
    child = subprocess.Popen(
        [sys.executable, "-m", "genmix_da", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    try:
        wait_until(child, lambda: lines_of(tmp_path / "runs", "sources/*/metrics.jsonl") >= 1)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
    finally:
        child.kill()
    assert child.returncode == 130
    assert out == ""
    assert "Traceback" not in err
    assert err.splitlines()[-1].startswith("genmix-da: interrupted")
    assert (tmp_path / "runs" / "run" / "result.json").is_file()


@pytest.mark.parametrize("epoch", [0, 1, EPOCHS])
def test_a_step_with_other_settings_is_not_mixed_with_that_before_the_interruption(
    adapt: Callable, finished: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture, epoch: int
) -> None:
    folder = tmp_path / "runs" / "run"
    others = ("--graph-threshold", "0.9", "--graph-arg", "alpha=0.5")
    with pytest.MonkeyPatch.context() as patch:
        stop_at(patch, "target", epoch, saved=True, error=KeyboardInterrupt())
        assert adapt(*OPDA, *others).code == 130
    caplog.clear()
    assert adapt(*OPDA, "--resume").code == 0
    assert sum("other settings" in record.message for record in caplog.records) == 1
    assert_same(folder, finished)
    found = json.loads((folder / "result.json").read_text())["graph"]
    whole = finished.result["graph"]
    for name in ("identity", "settings", "threshold", "rejection"):
        assert found[name] == whole[name], name
    assert found["last"] == pytest.approx(whole["last"])
    assert found["selected"] is found["oracle"] is found["source_only"] is None
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    first = min(epoch + 1, EPOCHS)
    assert ["graph" in row for row in rows] == [row["epoch"] >= first for row in rows]
    assert adapt(*OPDA, "--resume", "--json").json()["graph"] == found


def test_without_the_step_nothing_of_it_is_left(adapt: Callable, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        stop_at(patch, "target", 1, saved=True, error=KeyboardInterrupt())
        assert adapt(*OPDA).code == 130
    result = adapt(*OPDA, "--no-graph", "--resume", "--json").json()
    assert result["graph"] is None
    assert "graph" not in result["timing"]["seconds"]
    metrics = (tmp_path / "runs" / "run" / "metrics.jsonl").read_text()
    assert "graph" not in metrics
