"""Finished runs of every kind, made once, and how many inputs were tried."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click
import pytest
import torch
from uvicorn import Server

import fuzzed
import tiny_runs as tiny
from budget import LONG
from genmix_da.cli import main
from genmix_da.reporting import figures
from genmix_da.reporting import page as page_module
from genmix_da.runs.folder import RunFolder
from genmix_da.serving import run as serving
from lead.precision import Precision
from office_home.mini import generate, sheet


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many inputs were tried, where that was the point."""
    if LONG:
        terminalreporter.write_line(f"{fuzzed.TRIED.total()} inputs tried")
        for (kind, end), count in sorted(fuzzed.TRIED.items()):
            terminalreporter.write_line(f"{count:8}  {kind}: {end}")


@contextmanager
def cheap() -> Iterator[None]:
    """One thread, a few small fractals, charts that are drawn and not written."""
    torch.set_num_threads(1)

    def drawn(chart: figures.Chart) -> str:
        with figures._drawn(chart, figures._INK):
            return "<svg></svg>"

    with tiny.few_small_fractals(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(page_module, "inline_svg", drawn)
        yield


@pytest.fixture(scope="module", autouse=True)
def cheap_work() -> Iterator[None]:
    """For the fuzzing alone: other tests of this process look at their charts."""
    with cheap():
        yield


@pytest.fixture(scope="session")
def workshop(make_data: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data and finished runs; to be read, not changed.

    data/ (two domains), adapt/run beside adapt/sources, classify/run, unfinished_adapt/run,
    unfinished_classify/run, ssl/run, augmented/, table/, cache/.
    """
    home = tmp_path_factory.mktemp("workshop")
    data = make_data(home / "data", count=5)
    network = (*tiny.NETWORK, *tiny.SOURCE, *tiny.TARGET, "--data", data)
    made: tuple[tuple[object, ...], ...] = (
        (
            *("adapt", "--src", "Art", "--tgt", "Clipart", *network),
            *("--augment", "none", "--out", home / "adapt" / "run"),
        ),
        (
            *("classify", "train", "--data", data / "Art", *tiny.NETWORK, *tiny.CLASSIFIER),
            *("--augment", "none", "--out", home / "classify" / "run"),
        ),
        ("augment", data / "Art", home / "augmented", *tiny.GENMIX),
        (
            *("table", *network, *tiny.GENMIX, "--pairs", "Ar2Cl", "--methods", "source-only"),
            *("--seeds", "1", "--out", home / "table"),
        ),
        (
            *("ssl", "train", "--data", data / "Art", *tiny.NETWORK, "--epochs", "1"),
            *("--seed", "1", "--augment", "none", "--out", home / "ssl" / "run"),
        ),
    )
    with cheap(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENMIX_DA_CACHE", str(home / "cache"))
        for arguments in made:
            assert main([str(argument) for argument in arguments]) == 0
        patch.setattr(RunFolder, "save_state", interrupted_after(RunFolder.save_state))
        for name, arguments in zip(("adapt", "classify"), made, strict=False):
            begun = (*arguments, "--out", home / f"unfinished_{name}" / "run")
            assert main([str(argument) for argument in begun]) == 130
    return home


def interrupted_after(save: Callable[..., None]) -> Callable[..., None]:
    """Saves a state; where it is that of the last epoch but one, that is all."""

    def saved(run: RunFolder, state: Any, metrics: list[dict[str, Any]]) -> None:
        save(run, state, metrics)
        if (metrics[-1]["stage"], metrics[-1]["epoch"]) in (("target", 1), ("classify", 2)):
            raise KeyboardInterrupt

    return saved


@pytest.fixture(autouse=True)
def alone(isolated: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, workshop: Path) -> None:
    """No network, no browser; what is written without a name lands in a folder of the test."""

    def unreachable(*_: object, **__: object) -> NoReturn:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unreachable)
    monkeypatch.setattr(click, "launch", lambda *_: 0)
    monkeypatch.setenv("GENMIX_DA_CACHE", str(workshop / "cache"))
    monkeypatch.setenv("GENMIX_DA_DATA", str(workshop / "data"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


@pytest.fixture
def stopped_when_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work that has begun is interrupted: what was given is accepted, and may take days."""

    def stop(*_: Any, **__: Any) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(Precision, "step", stop)
    # There is no network here, not even to listen at.
    monkeypatch.setattr(serving, "listen", lambda host, port: socket.socket())
    monkeypatch.setattr(Server, "run", stop)
    monkeypatch.setattr(generate, "_cores", lambda: 1)  # drawn here, not in other processes
    for module in (generate, sheet):
        monkeypatch.setattr(module, "draw", stop)


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[[], Path]:
    """Makes an empty folder for every input."""

    def make() -> Path:
        folder = tmp_path / "fresh"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    return make
