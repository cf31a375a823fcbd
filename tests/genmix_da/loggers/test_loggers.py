"""A run tells its logger every epoch and its scores; a logger that fails costs nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from genmix_da.errors import UserError
from genmix_da.loggers import LOGGERS, Guarded, logger_named, tracked
from genmix_da.runs.tracking import numbers

SHORT = ("--epochs", 1, "--source-epochs", 1, "--split", "3/1/2")
Adapt = Callable[..., Any]


class Kept:
    """A tracker that keeps what it is told, or fails from a moment on."""

    def __init__(self, fails: str = "") -> None:
        self.told: list[tuple[str, Any]] = []
        self._fails = fails

    def _take(self, what: str, value: Any) -> None:
        if what == self._fails:
            raise ConnectionError("the server\nis gone")
        self.told.append((what, value))

    def start(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self._take("start", folder)

    def epoch(self, row: Mapping[str, Any]) -> None:
        self._take("epoch", (row["stage"], row["epoch"]))

    def finish(self, result: Mapping[str, Any]) -> None:
        self._take("finish", result["status"])

    def file(self, path: Path) -> None:
        self._take("file", path.name)

    def close(self) -> None:
        self._take("close", None)


def metrics(folder: Path) -> list[dict[str, Any]]:
    """The lines of metrics.jsonl."""
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


@pytest.fixture
def logged(adapt: Adapt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """A tiny adaptation with --log NAME, whose logger is the one given where there is one."""

    def call(name: str, instead: Kept | None = None, *more: object) -> Path:
        if instead is not None:
            monkeypatch.setattr(
                "genmix_da.loggers.logger_named", lambda n: Guarded(n, lambda: instead)
            )
        out = tmp_path / "logged" / "run"
        outcome = adapt("--out", out, "--log", name, *more)
        assert outcome.code == 0, outcome.err
        call.said = outcome.err  # type: ignore[attr-defined]
        return out

    return call


def test_what_a_run_tells(logged: Callable[..., Any]) -> None:
    kept = Kept()
    folder = logged("mlflow", kept)
    epochs = [("target", row["epoch"]) for row in metrics(folder)]
    kinds = [what for what, _ in kept.told]
    assert kept.told[0] == ("start", folder)
    told = [value for what, value in kept.told if what == "epoch"]
    assert [value for value in told if value[0] == "target"] == epochs
    assert [value for value in told if value[0] == "source"][-1][1] > 0
    assert kept.told[-3:] == [("finish", "done"), ("file", "report.html"), ("close", None)]
    assert kinds.count("start") == 1
    assert (folder / "report.html").is_file()


@pytest.mark.parametrize("moment", ["start", "epoch", "finish", "file", "close"])
def test_a_logger_that_fails_costs_nothing(logged: Callable[..., Any], moment: str) -> None:
    kept = Kept(moment)
    folder = logged("wandb", kept)
    assert json.loads((folder / "result.json").read_text())["status"] == "done"
    said = logged.said  # type: ignore[attr-defined]
    assert said.count("--log wandb: the server is gone; this run is logged no further") == 1
    assert moment not in [what for what, _ in kept.told]


@pytest.mark.parametrize("error", [RuntimeError("no\nkey"), SystemExit(3)])
def test_a_logger_that_cannot_be_made_costs_nothing(
    adapt: Adapt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def make() -> Any:
        raise error

    monkeypatch.setitem(LOGGERS, "mine", make)
    outcome = adapt("--out", tmp_path / "run", "--log", "mine", *SHORT)
    assert outcome.code == 0, outcome.err
    said = "no key" if isinstance(error, RuntimeError) else "SystemExit(3)"
    assert outcome.err.count(f"--log mine: {said}; this run is logged no further") == 1


def test_tensorboard(logged: Callable[..., Any]) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = logged("tensorboard")
    events = EventAccumulator(str(folder / "tensorboard"))
    events.Reload()
    found = {event.step: event.value for event in events.Scalars("target/scores/known_accuracy")}
    expected = {row["epoch"]: row["scores"]["known_accuracy"] for row in metrics(folder)}
    assert found == pytest.approx(expected)
    result = json.loads((folder / "result.json").read_text())
    (last,) = events.Scalars("result/last/known_accuracy")
    assert last.value == pytest.approx(result["scores"]["last"]["known_accuracy"])


def test_mlflow(
    logged: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "mlruns").as_uri())
    folder = logged("mlflow")
    client = mlflow.MlflowClient(tracking_uri=(tmp_path / "mlruns").as_uri())
    (experiment,) = client.search_experiments(filter_string="name = 'genmix-da'")
    (run,) = client.search_runs([experiment.experiment_id])
    history = client.get_metric_history(run.info.run_id, "target/scores/known_accuracy")
    expected = {row["epoch"]: row["scores"]["known_accuracy"] for row in metrics(folder)}
    assert {point.step: point.value for point in history} == pytest.approx(expected)
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["report.html"]
    assert (run.info.status, run.data.tags["folder"]) == ("FINISHED", str(folder.resolve()))


def test_mlflow_without_an_address(
    logged: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mlflow = pytest.importorskip("mlflow")
    if find_spec("sqlalchemy") is not None:
        pytest.skip("all of MLflow is installed, which keeps runs in a database")
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_ALLOW_FILE_STORE"):
        monkeypatch.setenv(name, "")  # so that what is set is undone
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    try:
        logged("mlflow")
        (run,) = mlflow.MlflowClient().search_runs(["0", *_experiments(mlflow)])
        assert (run.info.status, run.info.run_name) == ("FINISHED", "run")
    finally:
        mlflow.set_tracking_uri(None)
    said = logged.said  # type: ignore[attr-defined]
    assert f"the run is logged in {tmp_path / 'mlruns'}" in said


def _experiments(mlflow: Any) -> list[str]:
    return [each.experiment_id for each in mlflow.search_experiments()]


def test_wandb_offline(
    logged: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    monkeypatch.setenv("WANDB_SILENT", "true")
    logged("wandb")
    (file,) = tmp_path.glob("wandb/offline-run-*/run-*.wandb")
    assert b"target/scores/known_accuracy" in file.read_bytes()


def test_numbers_are_found_at_any_depth() -> None:
    values = {"a": {"b": 1, "c": None, "d": {"e": 0.5}}, "f": True, "g": "x", "h": 2}
    assert dict(numbers(values)) == {"a/b": 1.0, "a/d/e": 0.5, "h": 2.0}


def test_unknown_loggers_are_refused(
    adapt: Adapt, complaint: Callable[[Any], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = complaint(adapt("--out", tmp_path / "none", "--log", "tensorbord"))
    assert "no logger 'tensorbord'; did you mean 'tensorboard'? There are:" in said
    assert not (tmp_path / "none").exists()
    monkeypatch.setattr("genmix_da.loggers.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"wandb needs wandb: pip install 'genmix-da\[wandb\]'"):
        logger_named("wandb")
    with tracked(None) as silent:
        silent.epoch({})
