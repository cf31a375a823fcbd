"""Fixtures that several test folders share: isolation, golden files, a tiny data set on disk."""

from __future__ import annotations

import gc
import json
import os
import signal
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from small_data import write_data


def pytest_configure() -> None:
    """Let Ctrl-C reach the children of tests where the suite itself was started in the background.

    A shell makes background jobs ignore SIGINT, and what they start inherits that.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first: at the end one process would wait for the other.

    Before them those whose tests fork: a fork of a process in which Ray or Arrow have threads may
    crash.
    """
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: ("test_kill" not in item.path.name, item.path not in slow))


def pytest_collection_finish() -> None:
    """Leave the libraries out of garbage collection: their millions of objects stay to the end."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Make what a test printed text: names of files need not be, and processes exchange UTF-8."""
    report = yield
    report.sections = [
        (title, text.encode("utf-8", "backslashreplace").decode())
        for title, text in report.sections
    ]
    return report


MakeData = Callable[..., Path]


@pytest.fixture(autouse=True)
def isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or fills the user's cache, nor the data the user's shell names."""
    monkeypatch.setenv("GENMIX_DA_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GENMIX_DA_DATA", raising=False)


@pytest.fixture(scope="session")
def golden() -> Callable[[str], Any]:
    """Reads a JSON file of the golden folder; skips where the folder or the file is not there."""

    def read(name: str) -> Any:
        folder = os.environ.get("GENMIX_DA_GOLDEN")
        if not folder:
            pytest.skip("GENMIX_DA_GOLDEN is not set")
        file = Path(folder) / name
        if not file.is_file():
            pytest.skip(f"GENMIX_DA_GOLDEN has no {name}")
        return json.loads(file.read_text())

    return read


@pytest.fixture(scope="session")
def make_data() -> MakeData:
    """Writes ROOT/<Domain>/<class>/<image>, half PNG and half JPEG."""
    return write_data


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory, make_data: MakeData) -> Path:
    """Three domains, six classes, twelve images each; to be read, not changed."""
    return make_data(tmp_path_factory.mktemp("data"), ("Art", "Clipart", "Product"))
