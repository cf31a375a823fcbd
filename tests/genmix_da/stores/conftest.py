"""A store, and machines that use it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
import pytest


@pytest.fixture
def bucket() -> Iterator[fsspec.AbstractFileSystem]:
    """fsspec's own file system in memory, for what is below memory://bucket."""
    files = fsspec.filesystem("memory")
    yield files
    if files.exists("/bucket"):
        files.rm("/bucket", recursive=True)


@pytest.fixture
def tiny_table(data: Path) -> tuple[object, ...]:
    """`genmix-da table` of two methods on one pair, one seed."""
    return (
        *("table", "--data", data, "--pairs", "Ar2Cl", "--methods", "source-only,lead"),
        *("--backbone", "timm:test_efficientnet", "--weights", "none", "--image-size", "32"),
        *("--batch-size", "8", "--source-epochs", "1", "--epochs", "1", "--device", "cpu"),
        *("--split", "3/1/2", "--seeds", "1", "--no-graph"),
    )


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Go to another machine, by its name: one with a cache of its own; tests begin on "cache"."""

    def go(name: str, shared: str | None = None) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / name))
        monkeypatch.setenv("GENMIX_DA_CACHE", shared or str(tmp_path / name))

    return go
