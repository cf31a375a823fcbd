"""One tiny run made with the filters, of which some edits are told to fail or to be unfaithful.

Tests that change something work on a copy.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import genmix_da
from genmix_da.augment import (
    compose,
    editors,
    fractals,
    source_task,
)
from genmix_da.reporting.gallery import Gallery, gallery


class MixedEditor:
    """Pales images; one edit in six is black, and one in six the negative."""

    name = "mixed"
    stand_in = True
    native_size = None
    largest_batch = 4
    slow = False
    settings: dict[str, Any] = {"kind": "mixed"}  # noqa: RUF012

    def check(self, styles: Sequence[Any]) -> None:
        """Knows every style."""

    def seconds_per_edit(self) -> None:
        """Nothing to ask about."""

    def faster(self) -> None:
        """Nothing to save."""

    def edit(
        self, images: Sequence[np.ndarray], prompts: Sequence[Any], seeds: Sequence[int]
    ) -> list[np.ndarray]:
        return [self._one(image) for image in images]

    def _one(self, image: np.ndarray) -> np.ndarray:
        # By the picture, so that the second attempt fails like the first.
        kind = int(image.sum()) % 6
        return image * 0 if kind == 0 else 255 - image if kind == 1 else image // 2 + 60


class ThumbnailEncoder:
    """Colours of a 4 x 4 thumbnail as features."""

    name = identity = "thumbnail"

    def encode(self, images: Sequence[np.ndarray]) -> np.ndarray:
        small = [Image.fromarray(i).resize((4, 4), Image.Resampling.BOX) for i in images]
        return np.stack([np.asarray(s, dtype=np.float32).ravel() for s in small]) / 255 - 0.5


@contextmanager
def _few_fractals() -> Iterator[pytest.MonkeyPatch]:
    """Three fractals of 64 pixels, in place of sixty-four of 512, and the editor of these tests."""
    draw = fractals.draw_fractal
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compose, "COUNT", 3)
        patch.setattr(fractals, "draw_fractal", lambda seed: draw(seed, side=64))
        patch.setitem(editors.EDITORS, "mixed", lambda request: MixedEditor())
        yield patch


@pytest.fixture(autouse=True)
def few_fractals() -> Iterator[None]:
    """For what the tests make and show themselves."""
    with _few_fractals():
        yield


@pytest.fixture(scope="session")
def home(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `data`, `cache` and `runs/run` of one finished adaptation with GenMix."""
    home = tmp_path_factory.mktemp("gallery")
    shutil.copytree(data, home / "data")
    with _few_fractals() as patch:
        patch.setenv("GENMIX_DA_CACHE", str(home / "cache"))
        patch.setattr(source_task, "resolve_encoder", lambda *a, **k: ThumbnailEncoder())
        genmix_da.adapt(
            src="Art",
            tgt="Clipart",
            data=str(home / "data"),
            split="3/1/2",
            genmix={
                "editor": "mixed",
                "sigmas": 1.0,
                "seam_width": 4,
                "seed": 5,
            },
            backbone="timm:test_efficientnet",
            weights="none",
            image_size=32,
            batch_size=8,
            source_epochs=1,
            epochs=1,
            cluster_estimator="features",
            device="cpu",
            out=home / "runs" / "run",
        )
    return home


@pytest.fixture
def cached(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENMIX_DA_CACHE", str(home / "cache"))


@pytest.fixture
def result(home: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((home / "runs/run/result.json").read_text())
    return content


@pytest.fixture
def shown(home: Path, result: dict[str, Any], cached: None) -> Gallery:
    return gallery(result, home / "runs" / "run", 12)


@pytest.fixture
def moved(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of all of it, its data not where the records say."""
    copy = Path(shutil.copytree(home, tmp_path / "moved"))
    monkeypatch.setenv("GENMIX_DA_CACHE", str(copy / "cache"))
    return copy


@pytest.fixture
def few(make_data: Callable[..., Path], tmp_path: Path) -> Path:
    """Two classes of three images."""
    return make_data(tmp_path / "few", ("Art",), ("apple", "banana"), 3) / "Art"
