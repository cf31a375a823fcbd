"""A run on several devices: two processes on the CPU give what one gives, within rounding."""

from __future__ import annotations

import csv
import json
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from genmix_da.engines.several import parse_devices
from genmix_da.errors import UserError
from lead.checkpoint import load_checkpoint

# Gentle, so that rounding does not grow into something else within a few steps.
GENTLE = ("--source-lr", 0.002, "--split", "3/1/2", "--no-freeze-backbone", "--device", "auto")
TWO = ("--devices", "cpu,cpu")
NETWORK = ("--backbone", "timm:test_efficientnet", "--weights", "none", "--image-size", 32)

pytestmark = pytest.mark.slow


def column(folder: Path, name: str) -> np.ndarray:
    with (folder / "predictions.csv").open(newline="") as handle:
        return np.array([float(row[name]) for row in csv.DictReader(handle)])


def result(folder: Path) -> dict:
    return json.loads((folder / "result.json").read_text())


@pytest.mark.parametrize("more", [(), ("--augment", "genmix", "--editor", "filters")])
def test_an_adaptation(adapt: Callable, tmp_path: Path, more: tuple[str, ...]) -> None:
    one, two = tmp_path / "one" / "run", tmp_path / "two" / "run"
    more = (*more, "--features", "off", "--edit-size", 32) if more else ()
    for folder, given in ((one, ()), (two, TWO)):
        outcome = adapt(*GENTLE, *more, *given, "--out", folder)
        assert outcome.code == 0, outcome.err
        assert "last epoch" in outcome.out
    assert result(one)["identity"] == result(two)["identity"]
    assert np.abs(column(one, "uncertainty") - column(two, "uncertainty")).max() < 2e-3
    first, second = result(one)["scores"]["last"], result(two)["scores"]["last"]
    assert {name: value for name, value in second.items() if value is not None} == pytest.approx(
        {name: value for name, value in first.items() if value is not None}, abs=0.03
    )
    # What the other process wrote is gone; the folder is whole and can be used.
    assert {path.name for path in two.parent.iterdir()} == {
        path.name for path in one.parent.iterdir()
    }
    assert {path.name for path in two.iterdir()} == {path.name for path in one.iterdir()}
    assert adapt(*GENTLE, *more, "--out", two, "--resume").code == 0


def test_a_classification(run: Callable, data: Path, tmp_path: Path) -> None:
    given = (
        "classify",
        "train",
        "--data",
        data / "Art",
        *NETWORK,
        "--batch-size",
        8,
        "--lr",
        0.002,
    )
    given = (*given, "--epochs", 2, "--augment", "mixup")
    for name, more in (("one", ("--device", "cpu")), ("two", TWO)):
        outcome = run(*given, *more, "--out", tmp_path / name)
        assert outcome.code == 0, outcome.err
    one, two = (result(tmp_path / name)["scores"]["last"] for name in ("one", "two"))
    assert two["top1"] == pytest.approx(one["top1"], abs=0.06)
    assert losses(tmp_path / "two") == pytest.approx(losses(tmp_path / "one"), rel=1e-4)


def test_a_source_model(run: Callable, data: Path, tmp_path: Path) -> None:
    given = ("source", "--data", data, "--src", "Art", "--split", "3/1/2", *NETWORK)
    given = (*given, "--no-freeze-backbone", "--augment", "none", "--batch-size", 8)
    given = (*given, "--source-epochs", 3, "--source-lr", 0.002)
    models = []
    for name, more in (("one", ("--device", "cpu")), ("two", TWO), ("two", ("--device", "cpu"))):
        outcome = run(*given, *more, "--out", tmp_path / name)
        assert outcome.code == 0, outcome.err
        models.append(Path(outcome.out.strip()))
    one, two, found = models
    assert two == found and one.name == two.name
    assert {path.name for path in one.iterdir()} == {path.name for path in two.iterdir()}
    alone, shared = (load_checkpoint(model / "checkpoint.safetensors")[0] for model in (one, two))
    for name, tensor in alone.items():
        assert torch.allclose(shared[name].float(), tensor.float(), atol=2e-5), name


def losses(folder: Path) -> list[float]:
    return [
        json.loads(line)["loss"] for line in (folder / "metrics.jsonl").read_text().splitlines()
    ]


@contextmanager
def one_is_killed(folder: Path) -> Iterator[None]:
    """The second process dies in the run of a folder, after more than three epochs."""

    def kill() -> None:
        until = time.monotonic() + 120
        while time.monotonic() < until:
            log = folder / "metrics.jsonl"
            children = sorted(multiprocessing.active_children(), key=lambda child: child.pid or 0)
            if len(children) == 2 and log.is_file() and len(log.read_text().splitlines()) > 3:
                os.kill(children[1].pid or 0, signal.SIGKILL)
                return
            time.sleep(0.05)

    watch = threading.Thread(target=kill)
    watch.start()
    yield
    watch.join()


def assert_it_stopped(outcome: Any, folder: Path, epochs: int) -> None:
    assert outcome.code == 2
    assert "the process on cpu ended with signal 9" in outcome.err
    assert "--resume goes on" in outcome.err
    assert not multiprocessing.active_children()
    assert 3 < len((folder / "metrics.jsonl").read_text().splitlines()) < epochs


def test_an_adaptation_that_is_killed(adapt: Callable, tmp_path: Path) -> None:
    folder, whole = tmp_path / "runs" / "run", tmp_path / "whole" / "run"
    given = (*GENTLE, "--epochs", 40)
    with one_is_killed(folder):
        outcome = adapt(*given, "--out", folder, *TWO)
    assert_it_stopped(outcome, folder, 41)
    assert adapt(*given, "--out", folder, "--resume", *TWO).code == 0
    assert len((folder / "metrics.jsonl").read_text().splitlines()) == 41
    assert adapt(*given, "--out", whole).code == 0
    assert np.abs(column(whole, "uncertainty") - column(folder, "uncertainty")).mean() < 0.02


def test_a_classification_that_is_killed(run: Callable, data: Path, tmp_path: Path) -> None:
    given = ("classify", "train", "--data", data / "Art", *NETWORK, "--batch-size", 8)
    given = (*given, "--lr", 0.002, "--epochs", 30, "--eval-every", 9, "--augment", "mixup")
    folder = tmp_path / "two"
    with one_is_killed(folder):
        outcome = run(*given, *TWO, "--out", folder)
    assert_it_stopped(outcome, folder, 30)
    assert run(*given, *TWO, "--out", folder, "--resume").code == 0
    assert run(*given, "--device", "cpu", "--out", tmp_path / "one").code == 0
    assert losses(folder) == pytest.approx(losses(tmp_path / "one"), rel=1e-3)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--freeze-backbone",), "a frozen backbone trains heads alone; leave --devices out"),
        (("--batch-size", 3), "a batch of 3 is too small for 2 devices"),
        (("--method", "dance"), "--devices does not go with the method dance"),
        (("--method", "adabn"), "--devices does not go with the method adabn"),
        (("--device", "cpu"), "--device and --devices say the same"),
        (("--log", "tensorboard"), "goes without --log"),
        (("--tgt", "Nowhere"), "no domain 'Nowhere'"),
    ],
)
def test_what_is_refused(
    adapt: Callable, complaint: Callable, options: tuple[str, ...], expected: str
) -> None:
    assert expected in complaint(adapt(*GENTLE, *TWO, *options))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--augment", "manifold-mixup"), "--devices does not go with --augment manifold-mixup"),
        (("--augment", "none", "--batch-size", 3), "a batch of 3 is too small for 2 devices"),
    ],
)
def test_what_classification_refuses(
    run: Callable,
    complaint: Callable,
    data: Path,
    tmp_path: Path,
    options: tuple[str, ...],
    expected: str,
) -> None:
    given = ("classify", "train", "--data", data / "Art", *NETWORK, *TWO, "--out", tmp_path / "run")
    assert expected in complaint(run(*given, *options))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0,1", ["cuda:0", "cuda:1"]),
        ("cuda:2, cuda:0", ["cuda:2", "cuda:0"]),
        ("cpu,cpu", ["cpu", "cpu"]),
    ],
)
def test_devices(text: str, expected: list[str]) -> None:
    assert parse_devices(text) == expected


@pytest.mark.parametrize("text", ["", ",", "0,0", "0,cpu", "auto,auto", "cuda,cuda"])
def test_no_devices(text: str) -> None:
    with pytest.raises(UserError, match="give several GPUs once each"):
        parse_devices(text)
