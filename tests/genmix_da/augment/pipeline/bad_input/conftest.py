"""Three photographs of each of two classes, and `augment` that must refuse."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

CLI = ("--features", "off", "--edit-size", 48)


@pytest.fixture
def source(photos: Callable, tmp_path: Path) -> Path:
    return photos(tmp_path / "in", 3)


@pytest.fixture
def refused(run: Callable, complaint: Callable) -> Callable[..., str]:
    """`augment` must end with exit code 2 and one line; returns that line."""

    def call(source: Path, out: Path, *options: object) -> str:
        return str(complaint(run("augment", source, out, *CLI, *options)))

    return call
