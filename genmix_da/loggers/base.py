"""What a logger is: see `genmix_da.runs.tracking.Tracker`; it may raise, and is then left out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol


class Logger(Protocol):
    """One run's log."""

    def start(self, folder: Path, settings: Mapping[str, Any]) -> None:
        """A run begins, or goes on."""
        ...

    def epoch(self, row: Mapping[str, Any]) -> None:
        """An epoch is finished; "stage" and "epoch" say which."""
        ...

    def finish(self, result: Mapping[str, Any]) -> None:
        """The run is done."""
        ...

    def file(self, path: Path) -> None:
        """Keep a file."""
        ...

    def close(self) -> None:
        """Nothing more comes."""
        ...


def step_of(row: Mapping[str, Any]) -> int:
    """The epoch of a line of metrics.jsonl."""
    return int(row["epoch"])


def stage_of(row: Mapping[str, Any]) -> str:
    """The stage of a line of metrics.jsonl, a prefix of its numbers' names."""
    return str(row.get("stage", "run"))
