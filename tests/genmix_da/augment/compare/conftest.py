"""An editor whose edits and times are known by hand, compared on four images."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from genmix_da.augment import AugmentSettings, compare_files, compare_measures, editors
from genmix_da.augment.compare import compare_editors
from genmix_da.augment.diffusion.options import EditorOptions
from genmix_da.augment.prompts import load_prompts
from genmix_da.data.folders import folder_domain

ANGLES = (10, 20, 30, 40)


class StepsEditor:
    """Adds its steps to every level, unless its world says otherwise."""

    name = "steps"
    stand_in = False
    native_size = None
    largest_batch = 3

    def __init__(self, world: World, options: EditorOptions) -> None:
        self.world, self.steps = world, options.steps or 0
        self.settings = {"steps": self.steps, "size": options.size}
        self.itself = self  # a cycle, as hooks make them
        self.edited = False
        world.alive.append(weakref.ref(self))

    def check(self, styles: Sequence[Any]) -> None:
        """Knows every style."""

    def seconds_per_edit(self) -> float | None:
        return self.world.seconds_per_edit

    def edit(
        self, images: Sequence[np.ndarray], prompts: Sequence[Any], seeds: Sequence[int]
    ) -> list[np.ndarray]:
        world = self.world
        others = [ref() for ref in world.alive if ref() is not self]
        world.seen_alive += sum(other is not None and other.edited for other in others)
        world.now += len(images) * world.cost(self.steps) + (0 if self.edited else 100)
        if self.edited:
            world.calls.setdefault(self.steps, []).append(list(seeds))
        self.edited = True
        return [world.answer(image, self.steps) for image in images]


class World:
    """What the editors of a test do, and what they saw."""

    def __init__(self) -> None:
        self.now = 0.0
        self.seen_alive = 0
        self.alive: list[weakref.ref[StepsEditor]] = []
        self.calls: dict[int, list[list[int]]] = {}
        self.seconds_per_edit: float | None = None
        self.cost: Callable[[int], float] = lambda steps: 1.0
        self.answer: Callable[[np.ndarray, int], np.ndarray] = lambda image, steps: image + steps


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    monkeypatch.setitem(editors.EDITORS, "steps", lambda r: StepsEditor(made, r.options))
    clock = SimpleNamespace(perf_counter=lambda: made.now)
    monkeypatch.setattr(compare_measures, "time", clock)
    return made


class AngleEncoder:
    """The first pixel's red, in degrees, as a direction: cosines are known by hand."""

    name = "angle"
    identity = "angle"

    def encode(self, images: Sequence[np.ndarray]) -> np.ndarray:
        angles = np.radians([float(image[0, 0, 0]) for image in images])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Four images, two of each class, red 10, 20, 30 and 40 everywhere."""
    for number, angle in enumerate(ANGLES):
        pixels = np.full((20, 12, 3), angle, np.uint8)
        pixels[:, :, 1] = np.linspace(20, 200, 12)
        file = tmp_path / "in" / ("cup", "lamp")[number // 2] / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(file)
    return tmp_path / "in"


@pytest.fixture
def compare(
    source: Path, tmp_path: Path, settings: AugmentSettings, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """`compare_editors` of the editor "steps" on four images; draws no plot unless told to."""

    def call(*variants: str, **changed: Any) -> dict[str, Any]:
        if not changed.pop("plot", False):  # half a second
            monkeypatch.setattr(compare_files, "_write_plot", lambda *_: None)
        s = replace(settings, seed=changed.pop("seed", 0))
        arguments: dict[str, Any] = {"base": EditorOptions(), "device": "cpu", "images": 4}
        arguments |= {"out": tmp_path / "out", "against": "exact", "encoder": AngleEncoder()}
        arguments |= changed
        against, encoder = arguments.pop("against"), arguments.pop("encoder")
        domain = folder_domain(arguments.pop("src", source))
        prompts = load_prompts("mosaic; autumn; sunset")
        return compare_editors(domain, prompts, "steps", against, variants, encoder, s, **arguments)

    return call


@pytest.fixture
def command(run: Callable, source: Path, tmp_path: Path) -> Callable[..., Any]:
    """`genmix-da editors compare` of "steps", features off; later options win."""

    def call(*options: object, src: Path = source) -> Any:
        return run(
            *("editors", "compare", src, "--editor", "steps", "--features", "off"),
            *("--out", tmp_path / "out", "--images", 2, "--device", "cpu", *options),
        )

    return call
