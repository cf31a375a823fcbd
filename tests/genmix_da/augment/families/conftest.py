"""Tiny models of every family on disk, shared by the tests of the diffusers editor."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch


def _beside(name: str) -> ModuleType:
    """A module of this folder: test folders are no packages."""
    place = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert place is not None
    assert place.loader is not None
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Folder of a tiny model by a key of tiny_families.BUILDERS, made when it is asked for."""
    pytest.importorskip("diffusers")
    builders = _beside("tiny_families")
    made: dict[str, Path] = {}

    def folder(name: str) -> Path:
        if name not in made:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                pipeline = builders.strengthened(builders.BUILDERS[name]())
            made[name] = tmp_path_factory.mktemp("tiny") / name
            pipeline.save_pretrained(made[name])
        return made[name]

    return folder


@pytest.fixture
def small_references(monkeypatch: pytest.MonkeyPatch) -> None:
    """Qwen's pipelines scale every image to a megapixel, which alone would take seconds here."""
    pytest.importorskip("diffusers")
    from diffusers.pipelines.qwenimage import (
        pipeline_qwenimage_edit,
        pipeline_qwenimage_edit_plus,
    )

    for module in (pipeline_qwenimage_edit, pipeline_qwenimage_edit_plus):
        monkeypatch.setattr(module, "calculate_dimensions", _sixteenth(module.calculate_dimensions))


def _sixteenth(original: Callable[..., Any]) -> Callable[..., Any]:
    return lambda area, ratio: original(area // 64, ratio)


@pytest.fixture
def copied(tiny: Callable[[str], Path], tmp_path: Path) -> Callable[[str], Path]:
    """A copy of a tiny model that a test may spoil."""

    def copy(model: str) -> Path:
        return Path(shutil.copytree(tiny(model), tmp_path / "copied" / model))

    return copy


@pytest.fixture
def image(picture: Callable[..., np.ndarray]) -> np.ndarray:
    return picture(1, 64, 64)
