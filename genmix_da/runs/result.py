"""What a run gives to Python: the content of its result.json, with names for what is asked most."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, eq=False)
class Record(Mapping[str, Any]):
    """What a command gives; reads like the dictionary that it writes or prints as JSON.

    Attributes:
        record: that dictionary.
        folder: that holds the files.
    """

    record: dict[str, Any]
    folder: Path

    def __getitem__(self, key: str) -> Any:
        return self.record[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.record)

    def __len__(self) -> int:
        return len(self.record)

    def as_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return self.record


@dataclass(frozen=True, eq=False)
class SourceModel(Record):
    """A trained source model: its `folder`, whether it was `reused`, and the seconds it took."""

    @property
    def reused(self) -> bool:
        """Whether it was there already."""
        return bool(self.record["reused"])


@dataclass(frozen=True, eq=False)
class RunResult(Record):
    """A finished run; `record` is the content of its result.json (docs/formats.md).

    Example:
        >>> result = genmix_da.adapt(src="Ar", tgt="Cl")  # doctest: +SKIP
        >>> result.last["h_score"], result["scores"]["oracle"]["h_score"]  # doctest: +SKIP
        (0.43, 0.47)
    """

    @property
    def method(self) -> str:
        """E.g. "lead+genmix"."""
        return str(self.record["method"])

    @property
    def setting(self) -> str:
        """ "opda", "osda", "pda" or "classification"."""
        return str(self.record["setting"])

    @property
    def identity(self) -> str:
        """Hash of the settings: two runs of one identity are one run."""
        return str(self.record["identity"])

    @property
    def last(self) -> dict[str, Any] | None:
        """Scores after the last epoch, fractions; None where the images have no labels."""
        return self._scores("last")

    @property
    def selected(self) -> dict[str, Any] | None:
        """Scores after the epoch that was chosen without target labels."""
        return self._scores("selected")

    @property
    def oracle(self) -> dict[str, Any] | None:
        """Scores after the epoch that labels would choose: no result of a method."""
        return self._scores("oracle")

    def _scores(self, column: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self.record["scores"][column]
        return found
