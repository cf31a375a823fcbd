"""Classification with settings that run in a second, as command and as finished run."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
import torch

from genmix_da.augment import compose, fractals
from genmix_da.classify.augmentations.style_network import StyleNetwork

Run = Callable[..., Any]

# Six classes of twelve images (see the fixture `data`): ten to train on, two to test on.
TINY = (
    *("--augment", "none", "--backbone", "timm:test_efficientnet", "--weights", "none"),
    *("--image-size", "32", "--batch-size", "8", "--epochs", "3", "--lr", "0.05"),
    # Same seed, same scores is promised on the CPU.
    *("--device", "cpu", "--seed", "1", "--eval-every", "1"),
)
# For Python, with the same meaning.
TINY_OPTIONS: dict[str, Any] = {
    **{
        "augment": "none",
        "backbone": "timm:test_efficientnet",
        "weights": "none",
        "image_size": 32,
    },
    **{"batch_size": 8, "epochs": 3, "lr": 0.05, "device": "cpu", "seed": 1, "eval_every": 1},
}

small_fractal = cache(partial(fractals.draw_fractal, side=64))


@pytest.fixture(autouse=True)
def few_small_fractals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fractals of 512 pixels would take most of the time of these tests."""
    monkeypatch.setattr(compose, "COUNT", 5)
    monkeypatch.setattr(fractals, "draw_fractal", small_fractal)


@pytest.fixture(scope="session")
def tiny_arguments() -> tuple[str, ...]:
    """Settings of `classify`, for other processes."""
    return TINY


@pytest.fixture(scope="session")
def tiny() -> dict[str, Any]:
    """The same settings for Python."""
    return dict(TINY_OPTIONS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The run folder of `classify`."""
    return tmp_path / "runs" / "run"


@pytest.fixture
def classify(run: Run, data: Path, folder: Path) -> Run:
    """`genmix-da classify train` on Art with tiny settings; later options win."""

    def call(*options: object) -> Any:
        given = ("--data", data / "Art", *TINY, "--out", folder)
        return run("classify", "train", *given, *options)

    return call


@pytest.fixture
def refused(classify: Run, complaint: Callable[[Any], str]) -> Callable[..., str]:
    """`classify` must end with exit code 2 and one line; returns that line."""
    return lambda *options: complaint(classify(*options))


@pytest.fixture
def result_of(folder: Path) -> Callable[[], dict[str, Any]]:
    """Reads result.json of the run folder."""
    return lambda: json.loads((folder / "result.json").read_text())


@pytest.fixture(scope="session")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run folder of a finished run without augmentation; to be read, not changed."""
    from genmix_da.classify import train

    folder = tmp_path_factory.mktemp("trained") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENMIX_DA_CACHE", str(tmp_path_factory.mktemp("cache")))
        train(data=data / "Art", out=folder, **TINY_OPTIONS)
    return folder


@pytest.fixture
def run_folder(trained: Path, tmp_path: Path) -> Path:
    """A copy of a finished run, to write attack.json into."""
    return Path(shutil.copytree(trained, tmp_path / "copied"))


@pytest.fixture(scope="session")
def style_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """AdaIN's two files as they are released, random: the encoder has layers that nobody uses."""
    folder = tmp_path_factory.mktemp("adain")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = StyleNetwork()
        for part in (network.encode, network.decode):
            for name, tensor in part.state_dict().items():
                if name.endswith("weight"):  # as large as keeps what a ReLU lets through
                    tensor.normal_(std=math.sqrt(2 / tensor[0].numel()))
        last = network.decode[28]
        last.weight.mul_(0.15)
        last.bias.fill_(0.5)
    beyond = {"32.weight": torch.zeros(512, 512, 3, 3), "32.bias": torch.zeros(512)}
    torch.save(network.encode.state_dict() | beyond, folder / "vgg_normalised.pth")
    torch.save(network.decode.state_dict(), folder / "decoder.pth")
    return {
        "encoder": str(folder / "vgg_normalised.pth"),
        "decoder": str(folder / "decoder.pth"),
    }
