"""Four photographs of each of two classes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def source(photos: Callable, tmp_path: Path) -> Path:
    return photos(tmp_path / "in", 4)
