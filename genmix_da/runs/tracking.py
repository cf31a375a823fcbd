"""What a run tells a logger while it goes on; the loggers themselves are in `genmix_da.loggers`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Tracker(Protocol):
    """Where a run is logged. None of its methods may raise."""

    def start(self, folder: Path, settings: Mapping[str, Any]) -> None:
        """A run begins or goes on.

        Args:
            folder: of the run.
            settings: that decide it.
        """
        ...

    def epoch(self, row: Mapping[str, Any]) -> None:
        """An epoch is finished: its line of metrics.jsonl."""
        ...

    def finish(self, result: Mapping[str, Any]) -> None:
        """The run is done: the content of its result.json."""
        ...

    def file(self, path: Path) -> None:
        """A file of the run to keep, e.g. its report."""
        ...


class Silent:
    """The tracker of runs that are not logged."""

    def start(self, folder: Path, settings: Mapping[str, Any]) -> None:
        """Nothing."""

    def epoch(self, row: Mapping[str, Any]) -> None:
        """Nothing."""

    def finish(self, result: Mapping[str, Any]) -> None:
        """Nothing."""

    def file(self, path: Path) -> None:
        """Nothing."""


def numbers(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """(name, value) of all numbers in nested dictionaries, names joined by "/".

    Example:
        >>> dict(numbers({"scores": {"h_score": 0.5, "nmi": None}, "epoch": 3}))
        {'scores/h_score': 0.5, 'epoch': 3.0}
    """
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from numbers(value, f"{prefix}{name}/")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{prefix}{name}", float(value)
