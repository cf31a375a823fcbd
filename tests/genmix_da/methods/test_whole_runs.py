"""Every method as a run: what it opens, and that its checkpoint says the same afterwards."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genmix_da.adaptation import run as adaptation
from genmix_da.adaptation.inference import evaluate_checkpoint
from genmix_da.methods import METHODS

OPTIONS: dict[str, Any] = {
    **{"src": "Art", "tgt": "Clipart", "epochs": 2, "source_epochs": 1, "batch_size": 8},
    **{"backbone": "timm:test_efficientnet", "weights": "none", "image_size": 32},
    **{"device": "cpu", "augment": "none"},
}
# Those on CLIP need its text tower: tests/genmix_da/frozen/test_clip_methods.py.
ANY_BACKBONE = {n: m for n, m in METHODS.items() if not (m.joint and m.joint.texts)}
SPLITS = {"opda": "3/1/2", "osda": "3/0/3", "pda": "3/3/0"}


@pytest.fixture
def pair(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The two domains alone, with a cache of their own: what is taken away is gone."""
    monkeypatch.setenv("GENMIX_DA_CACHE", str(tmp_path / "cache"))
    for domain in ("Art", "Clipart"):
        shutil.copytree(data / domain, tmp_path / "pair" / domain)
    return tmp_path / "pair"


@pytest.mark.parametrize(
    "name", [name for name, method in ANY_BACKBONE.items() if method.source_free]
)
def test_a_source_free_method_opens_no_source_image(
    name: str, pair: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    obtain = adaptation.obtain_source

    def and_take_the_source_away(task: Any, *arguments: Any) -> Any:
        found = obtain(task, *arguments)
        shutil.rmtree(pair / "Art")
        shutil.rmtree(tmp_path / "cache")
        object.__setattr__(task.source.decoded, "pixels", None)  # frozen
        return found

    monkeypatch.setattr(adaptation, "obtain_source", and_take_the_source_away)
    setting = METHODS[name].settings[0]
    options = OPTIONS | {"data": str(pair), "setting": setting, "split": SPLITS[setting]}
    result = adaptation.adapt(out=tmp_path / "run", method=name, **options)
    assert result["status"] == "done"


@pytest.mark.parametrize(
    ("name", "setting"),
    [(name, setting) for name, method in ANY_BACKBONE.items() for setting in method.settings],
)
def test_the_checkpoint_says_what_the_run_said(
    name: str, setting: str, data: Path, tmp_path: Path
) -> None:
    options = OPTIONS | {"data": str(data), "setting": setting, "split": SPLITS[setting]}
    result = adaptation.adapt(out=tmp_path / "run", method=name, **options)
    again = evaluate_checkpoint(tmp_path / "run", data=str(data), tgt="Clipart")
    for found, kept in (
        (again["scores"], result["scores"]["last"]),
        (again["graph"]["scores"], result["graph"]["last"]),
    ):
        for score in ("accuracy", "known_accuracy", "unknown_accuracy", "auroc"):
            assert found[score] == pytest.approx(kept[score], abs=1e-6), score
    if setting == "pda":
        assert result["scores"]["last"]["unknown_accuracy"] is None


@pytest.mark.parametrize("name", [name for name, m in ANY_BACKBONE.items() if not m.source_free])
def test_interrupted_between_epochs_and_gone_on_with(
    name: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A method with source data; the tests of resumed runs are of LEAD."""
    options = OPTIONS | {"data": str(data), "split": SPLITS["opda"], "method": name}
    whole = adaptation.adapt(out=tmp_path / "whole", **options)
    keep = adaptation.keep_evidence

    def stop(run: Path, task: Any, epoch: Any, last: int) -> None:
        if epoch.epoch == 2:
            raise KeyboardInterrupt
        keep(run, task, epoch, last)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(adaptation, "keep_evidence", stop)
        adaptation.adapt(out=tmp_path / "run", **options)
    resumed = adaptation.adapt(out=tmp_path / "run", resume=True, **options)
    assert resumed["scores"] == whole["scores"]
    assert resumed["graph"]["last"] == whole["graph"]["last"]


def test_an_option_of_a_method_is_named(run: Callable, complaint: Callable, data: Path) -> None:
    pair = ("adapt", "--data", data, "--src", "Art", "--tgt", "Clipart")
    said = complaint(run(*pair, "--method", "ovanet", "--method-arg", "entropy_wait=1"))
    assert "did you mean 'entropy_weight'" in said
    said = complaint(run(*pair, "--method", "ovanet", "--method-arg", "steps=0"))
    assert "--method-arg steps is 0" in said
    said = complaint(run(*pair, "--method", "dcc", "--method-arg", "batch_size=1"))
    assert "--method-arg batch_size is 1; it must be a whole number, at least 2" in said
    said = complaint(run(*pair, "--method", "lead", "--method-arg", "steps=3"))
    assert "lead takes no --method-arg" in said
    said = complaint(run("table", "--data", data, "--methods", "lead", "--method-arg", "steps=3"))
    assert "no method of --methods takes it" in said
