"""Images to classify."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def photos(data: Path) -> list[Path]:
    """Some images of Clipart."""
    return sorted((data / "Clipart").rglob("*.png"))[:10]
