"""Data that may be damaged, and what an adaptation recorded."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def copy(data: Path, tmp_path: Path) -> Path:
    """A copy of two domains that may be damaged."""
    root = tmp_path / "copy"
    for domain in ("Art", "Clipart"):
        shutil.copytree(data / domain, root / domain)
    return root


@pytest.fixture
def result_of(tmp_path: Path) -> Callable[[], dict[str, Any]]:
    return lambda: json.loads((tmp_path / "runs" / "run" / "result.json").read_text())
