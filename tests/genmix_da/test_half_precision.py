"""Runs in mixed precision: on a CUDA device where there is one, and on the CPU in its place.

The CPU runs in float32 by itself; here it is told to mix, so that no line of those passes is left
to whoever has a card. `pytest -m cuda` runs those on the card alone.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import lead.precision

OPDA = ("--split", "3/1/2", "--epochs", 1, "--source-epochs", 6)
_NO_CARD = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=[pytest.mark.cuda, _NO_CARD])])
def mixed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The device, which computes in bfloat16 (or float16) from now on."""
    monkeypatch.setattr(lead.precision, "MIXED_ON", {request.param})
    return str(request.param)


def scores(folder: Path) -> dict[str, float]:
    return json.loads((folder / "result.json").read_text())["scores"]["last"]


def uncertainties(folder: Path) -> np.ndarray:
    with (folder / "predictions.csv").open(newline="") as handle:
        return np.array([float(row["uncertainty"]) for row in csv.DictReader(handle)])


@pytest.mark.parametrize("lane", ["--no-freeze-backbone", "--freeze-backbone"])
def test_adaptation_agrees_with_float32(
    adapt: Callable, tmp_path: Path, mixed: str, lane: str
) -> None:
    runs = tmp_path / "runs"
    for name, options in (
        ("half", ("--device", mixed)),
        ("again", ("--device", mixed)),
        ("plain", ("--device", mixed, "--no-mixed-precision")),
        ("full", ("--device", "cpu", "--no-mixed-precision")),
    ):
        outcome = adapt(*OPDA, lane, *options, "--out", runs / name)
        assert outcome.code == 0, outcome.err
    half, full = uncertainties(runs / "half"), uncertainties(runs / "full")
    assert np.isfinite(half).all()
    assert not np.array_equal(half, full)  # it was mixed indeed
    assert np.abs(half - full).mean() < 0.03
    # What is not mixed is the CPU's; a card adds its sums up in another order.
    plain = np.abs(uncertainties(runs / "plain") - full).max()
    assert plain <= (0 if mixed == "cpu" else 0.01)
    again = scores(runs / "again")
    for name, value in scores(runs / "half").items():
        if value is not None:
            # On the CPU the same to the last digit, on CUDA within what its sums leave open.
            tolerance = 0 if mixed == "cpu" else 0.02
            assert again[name] == pytest.approx(value, abs=tolerance), name


def test_a_run_that_was_killed_goes_on(adapt: Callable, tmp_path: Path, mixed: str) -> None:
    given = (*OPDA, "--epochs", 2, "--device", mixed)
    assert adapt(*given).code == 0
    whole = scores(tmp_path / "runs" / "run")
    from genmix_da.adaptation import run as adaptation

    with pytest.MonkeyPatch.context() as patch:
        keep = adaptation.keep_evidence

        def kill(path: Path, task: object, epoch: object, last: int) -> None:
            if getattr(epoch, "epoch", 0) == 2:
                raise KeyboardInterrupt
            keep(path, task, epoch, last)  # type: ignore[arg-type]

        patch.setattr(adaptation, "keep_evidence", kill)
        out = ("--out", tmp_path / "runs" / "killed")
        assert adapt(*given, *out).code != 0
    assert adapt(*given, *out, "--resume").code == 0
    tolerance = 0 if mixed == "cpu" else 0.02
    for name, value in scores(tmp_path / "runs" / "killed").items():
        if value is not None:
            assert value == pytest.approx(whole[name], abs=tolerance), name


@pytest.mark.parametrize("layout", ["--channels-last", "--no-channels-last"])
def test_classification(run: Callable, data: Path, tmp_path: Path, mixed: str, layout: str) -> None:
    tiny = ("--backbone", "timm:test_efficientnet", "--weights", "none", "--image-size", 32)
    # Gentle steps: rounding is to stay what it is.
    tiny = (*tiny, "--lr", 0.001, "--augment", "none")
    given = ("--data", data / "Art", *tiny, "--batch-size", 8, "--epochs", 2)
    found = {}
    for name, device, option in (
        ("half", mixed, "--mixed-precision"),
        ("full", "cpu", "--no-mixed-precision"),
    ):
        out = tmp_path / name
        outcome = run("classify", "train", *given, "--device", device, option, layout, "--out", out)
        assert outcome.code == 0, outcome.err
        metrics = (out / "metrics.jsonl").read_text().splitlines()
        found[name] = json.loads(metrics[0])["loss"]
    assert found["half"] != found["full"]  # it was mixed indeed
    assert found["half"] == pytest.approx(found["full"], rel=0.02)


def test_pretraining(run: Callable, data: Path, tmp_path: Path, mixed: str) -> None:
    pytest.importorskip("lightly", reason="needs the extra ssl")
    tiny = ("--backbone", "timm:test_efficientnet", "--weights", "none", "--image-size", 32)
    given = (*tiny, "--batch-size", 8, "--epochs", 1, "--augment", "none")
    for method, own in (("moco-v2", ("--norm-group", 4)), ("simsiam", ())):
        losses = []
        for device, option in ((mixed, "--mixed-precision"), ("cpu", "--no-mixed-precision")):
            out = tmp_path / f"{method}{option}"
            words = ("ssl", "train", "--data", data / "Art", "--method", method, *own, *given)
            outcome = run(*words, "--device", device, option, "--out", out)
            assert outcome.code == 0, outcome.err
            losses.append(json.loads((out / "metrics.jsonl").read_text().splitlines()[0])["loss"])
        half, full = losses
        assert half != full  # it was mixed indeed
        assert half == pytest.approx(full, rel=0.02, abs=3e-4)  # SimSiam begins near 0
