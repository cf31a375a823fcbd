"""Pre-training with settings that run in a second, as command and as finished run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tiny_runs import few_small_fractals

# One domain of the fixture `data`: 72 images, nine batches of eight.
TINY_OPTIONS: dict[str, Any] = {
    **{"augment": "none", "backbone": "timm:test_efficientnet", "image_size": 32},
    **{"batch_size": 8, "epochs": 3, "norm_group": 4, "device": "cpu", "seed": 1},
}
TINY = (
    *("--augment", "none", "--backbone", "timm:test_efficientnet", "--image-size", "32"),
    *("--batch-size", "8", "--epochs", "3", "--norm-group", "4", "--device", "cpu", "--seed", "1"),
)
GENMIX: dict[str, Any] = {
    "augment": "genmix",
    "genmix": {"editor": "filters", "features": "off", "size": 32, "per_image": 2},
}


@pytest.fixture(autouse=True)
def small_fractals() -> Iterator[None]:
    """Fractals of 512 pixels would take most of the time of these tests."""
    with few_small_fractals():
        yield


@pytest.fixture(scope="session")
def tiny() -> dict[str, Any]:
    """Settings for Python."""
    return dict(TINY_OPTIONS)


@pytest.fixture(scope="session")
def tiny_arguments() -> tuple[str, ...]:
    """The same settings for the command line."""
    return TINY


@pytest.fixture(scope="session")
def genmix() -> dict[str, Any]:
    """Settings with images that are made, two of each."""
    return dict(GENMIX)


@pytest.fixture(scope="session")
def pretrained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run folder of a finished pre-training by MoCo v2; to be read, not changed."""
    from genmix_da.selfsupervised import train

    folder = tmp_path_factory.mktemp("pretrained") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENMIX_DA_CACHE", str(tmp_path_factory.mktemp("cache")))
        train(data=str(data / "Art"), out=folder, **TINY_OPTIONS)
    return folder
