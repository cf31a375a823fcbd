"""A classifier to use, and images."""

from __future__ import annotations

from pathlib import Path

import pytest

TINY = {
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
        train(data=str(data / "Art"), out=folder, **TINY)
    return folder


@pytest.fixture(scope="session")
def photos(data: Path) -> list[Path]:
    """Some images of Clipart."""
    return sorted((data / "Clipart").rglob("*.png"))[:10]
