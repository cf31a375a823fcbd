"""Small photographs on disk, an editor that can be told what to return, and a cheap encoder."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from genmix_da.augment import AugmentSettings, compose, editors, fractals
from genmix_da.augment.diffusion.random_model import save_random_model
from genmix_da.testing.editors import picture

Photos = Callable[..., Path]

SETTINGS = AugmentSettings(features="off", size=48, per_image=2)


@pytest.fixture(scope="session")
def photos() -> Photos:
    """Writes FOLDER/<class>/<nn>.png."""

    def make(folder: Path, count: int = 3, classes: Sequence[str] = ("cup", "lamp")) -> Path:
        for kind, name in enumerate(classes):
            (folder / name).mkdir(parents=True)
            for number in range(count):
                pixels = picture(100 * kind + number)
                Image.fromarray(pixels).save(folder / name / f"{number:02}.png")
        return folder

    return make


small_fractal = cache(partial(fractals.draw_fractal, side=64))


@pytest.fixture(autouse=True)
def few_small_fractals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fractals of 512 pixels would take most of the time of these tests."""
    monkeypatch.setattr(compose, "COUNT", 5)
    monkeypatch.setattr(fractals, "draw_fractal", small_fractal)


class ToldEditor:
    """Inverts images, unless `bad` says otherwise; remembers every image it was asked for.

    Args:
        bad: (seed, number of the call for that image's style) -> what to return, or None.
    """

    name = "told"
    stand_in = False
    native_size = None
    largest_batch = 3
    slow = False

    def __init__(self) -> None:
        self.settings: dict[str, Any] = {"strength": 1}
        self.seeds: list[int] = []
        self.batches: list[int] = []
        self.answer: Callable[[np.ndarray, int], np.ndarray] = lambda image, seed: 255 - image

    def check(self, styles: Sequence[Any]) -> None:
        """Knows every style."""

    def seconds_per_edit(self) -> None:
        """Nothing to ask about."""

    def faster(self) -> None:
        """Nothing to save."""

    def edit(
        self, images: Sequence[np.ndarray], prompts: Sequence[Any], seeds: Sequence[int]
    ) -> list[np.ndarray]:
        self.batches.append(len(images))
        self.seeds += seeds
        return [self.answer(image, seed) for image, seed in zip(images, seeds, strict=True)]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> ToldEditor:
    """The editor "told" of this test."""
    editor = ToldEditor()
    monkeypatch.setitem(editors.EDITORS, "told", lambda request: editor)
    return editor


class ThumbnailEncoder:
    """Colours of a 4 x 4 thumbnail as features; counts what it is asked for."""

    name = "thumbnail"
    identity = "thumbnail/4"

    def __init__(self) -> None:
        self.encoded = 0

    def encode(self, images: Sequence[np.ndarray]) -> np.ndarray:
        self.encoded += len(images)
        small = [Image.fromarray(i).resize((4, 4), Image.Resampling.BOX) for i in images]
        return np.stack([np.asarray(s, dtype=np.float32).ravel() for s in small]) / 255 - 0.5


@pytest.fixture
def encoder() -> ThumbnailEncoder:
    return ThumbnailEncoder()


@pytest.fixture(name="settings")
def settings_fixture() -> AugmentSettings:
    """Two edits an image, no selection, small."""
    return SETTINGS


@pytest.fixture(name="picture")
def picture_fixture() -> Callable[..., np.ndarray]:
    return picture


@pytest.fixture(scope="session")
def rows_of() -> Callable[[Path], list[dict[str, Any]]]:
    """The lines of a folder's manifest."""

    def read(folder: Path) -> list[dict[str, Any]]:
        return [json.loads(x) for x in (folder / "manifest.jsonl").read_text().splitlines()]

    return read


@pytest.fixture(scope="session")
def tree_of() -> Callable[[Path], dict[str, bytes]]:
    """Every file of a folder but its record, which holds the command that made it."""

    def read(folder: Path) -> dict[str, bytes]:
        files = [p for p in sorted(folder.rglob("*")) if p.is_file() and p.name != "augment.json"]
        return {str(p.relative_to(folder)): p.read_bytes() for p in files}

    return read


@pytest.fixture(scope="session")
def tiny_pix2pix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved InstructPix2Pix pipeline of the real classes, tiny and with random weights."""
    pytest.importorskip("diffusers")
    return save_random_model(tmp_path_factory.mktemp("models") / "tiny")
