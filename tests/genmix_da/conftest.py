"""The command line as a function, settings that run in a second, and one finished run."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from edited import described
from genmix_da.augment import fractals

# Enough training that the scores are neither 0 nor 1: two runs that agree have something to say.
TINY = (
    *("--backbone", "timm:test_efficientnet", "--weights", "none", "--image-size", "32"),
    *("--batch-size", "8", "--source-epochs", "4", "--source-lr", "0.04"),
    # Same seed, same scores is promised on the CPU.
    *("--source-backbone-factor", "1", "--device", "cpu"),
    # GenMix has tests of its own; "--augment genmix" among later options brings it back.
    *("--augment", "none"),
)
TINY_TARGET = ("--epochs", "2", "--threshold", "0.85", "--lambda-psd", "0.3")
OPDA = ("--split", "3/1/2")


@dataclass(frozen=True)
class Outcome:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def complaints(self) -> list[str]:
        """The lines of standard error that are errors and not progress."""
        return [line for line in self.err.splitlines() if line.startswith("genmix-da: ")]

    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)


Run = Callable[..., Outcome]


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Small tensors gain nothing from threads, and the child processes must count alike."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session", autouse=True)
def each_fractal_drawn_once() -> Iterator[None]:
    """Every test has a cache of its own; to draw the same fractals for each would take minutes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fractals, "draw_fractal", cache(fractals.draw_fractal))
        yield


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """`genmix-da ...` in this process."""
    from genmix_da.cli import main

    def call(*arguments: object) -> Outcome:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return Outcome(code, *capsys.readouterr())

    return call


@pytest.fixture
def adapt(run: Run, data: Path, tmp_path: Path) -> Run:
    """`genmix-da adapt` from Art to Clipart with tiny settings; later options win."""

    def call(*options: object) -> Outcome:
        return run(
            *("adapt", "--src", "Art", "--tgt", "Clipart", "--data", data, *TINY, *TINY_TARGET),
            *("--out", tmp_path / "runs" / "run", *options),
        )

    return call


@pytest.fixture
def refused(adapt: Run) -> Callable[..., str]:
    """`adapt` must end with exit code 2 and one line; returns that line."""

    def call(*options: object) -> str:
        return complaint(adapt(*options))

    return call


def complaint(outcome: Outcome) -> str:
    assert outcome.code == 2, outcome
    assert outcome.out == ""
    assert "Traceback" not in outcome.err
    assert len(outcome.complaints) == 1, outcome.err
    # The error is the last line: nothing runs over into further ones.
    assert outcome.err.splitlines()[-1] == outcome.complaints[0]
    return outcome.complaints[0]


@pytest.fixture(name="complaint")
def complaint_fixture() -> Callable[[Outcome], str]:
    """Checks that an outcome is exit code 2 with one line; returns that line."""
    return complaint


@dataclass(frozen=True)
class Finished:
    """A run that was never interrupted."""

    folder: Path
    result: dict[str, Any]

    @property
    def metrics(self) -> list[dict[str, Any]]:
        return [json.loads(x) for x in (self.folder / "metrics.jsonl").read_text().splitlines()]

    @property
    def predictions(self) -> str:
        return (self.folder / "predictions.csv").read_text()


@pytest.fixture(scope="session")
def adapt_once(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Finished]:
    """Like `adapt`, for fixtures of the session: returns the finished run."""
    from genmix_da.cli import main

    def call(*options: object) -> Finished:
        folder = tmp_path_factory.mktemp("finished") / "run"
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("GENMIX_DA_CACHE", str(tmp_path_factory.mktemp("cache")))
            patch.delenv("GENMIX_DA_DATA", raising=False)
            arguments = ["adapt", "--src", "Art", "--tgt", "Clipart", "--data", data]
            arguments += [*TINY, *TINY_TARGET, "--out", folder, *options]
            assert main([str(argument) for argument in arguments]) == 0
        return Finished(folder, json.loads((folder / "result.json").read_text()))

    return call


@pytest.fixture(scope="session")
def finished(adapt_once: Callable[..., Finished]) -> Finished:
    """Art to Clipart, OPDA 3/1/2."""
    return adapt_once(*OPDA)


@pytest.fixture(scope="session")
def closed(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run as of a target without classes of its own, which rejects nothing."""
    folder = tmp_path_factory.mktemp("closed") / "run"
    shutil.copytree(finished.folder, folder)
    about = described(folder / "checkpoint.json")
    about["label_sets"]["target_private"] = []
    (folder / "checkpoint.json").write_text(json.dumps(about))
    return folder


@pytest.fixture
def computed_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails where a finished run is adapted again."""
    from genmix_da.adaptation import run as adaptation

    def refuse(*arguments: Any, **options: Any) -> None:
        raise AssertionError("a finished run was adapted again")

    monkeypatch.setattr(adaptation, "obtain_source", refuse)
    monkeypatch.setattr(adaptation, "_adapt", refuse)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Headless Chromium; skips where it, its driver or selenium is not installed."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    from selenium.webdriver.chrome.service import Service

    names = ("chromium", "chromium-browser", "google-chrome")
    chromium = next((found for name in names if (found := shutil.which(name))), None)
    driver = shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("Chromium and chromedriver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    quiet = ("background-networking", "component-update", "sync", "quic", "gpu")
    for argument in (
        *("--headless=new", "--no-first-run", "--window-size=1280,900"),
        *(f"--disable-{name}" for name in quiet),
        f"--user-data-dir={tmp_path_factory.mktemp('chromium')}",
        *(["--no-sandbox"] if os.geteuid() == 0 else []),  # Chromium's sandbox refuses root
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    found = webdriver.Chrome(options=options, service=Service(driver))
    yield found
    found.quit()


TINY_CLASSIFIER = {
    "backbone": "timm:test_efficientnet",
    "weights": "none",
    "image_size": 32,
    "batch_size": 8,
    "epochs": 2,
    "augment": "none",
    "device": "cpu",
}


@pytest.fixture(scope="session")
def classifier(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run folder of a finished classification of Art; to be read, not changed."""
    from genmix_da.classify import train

    folder = tmp_path_factory.mktemp("classifier") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENMIX_DA_CACHE", str(tmp_path_factory.mktemp("cache")))
        train(data=str(data / "Art"), out=folder, **TINY_CLASSIFIER)
    return folder
