"""Weights & Biases: a run in the project "genmix-da"; $WANDB_MODE=offline keeps it here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genmix_da.loggers.base import stage_of
from genmix_da.runs.tracking import numbers

PROJECT = "genmix-da"


class Log:
    """See `genmix_da.loggers.base.Logger`."""

    def start(self, folder: Path, settings: Mapping[str, Any]) -> None:
        """Begin a run named as the folder."""
        import wandb

        self._run = wandb.init(project=PROJECT, name=folder.name, config=dict(settings))

    def epoch(self, row: Mapping[str, Any]) -> None:
        """Metrics of the epoch; its number is one of them, an axis to choose."""
        self._run.log({f"{stage_of(row)}/{name}": value for name, value in numbers(row)})

    def finish(self, result: Mapping[str, Any]) -> None:
        """Scores of the run, in its summary."""
        self._run.summary.update(dict(numbers(result["scores"], "result/")))

    def file(self, path: Path) -> None:
        """An artifact."""
        import wandb

        kept = wandb.Artifact(path.stem, type="report")
        kept.add_file(str(path))
        self._run.log_artifact(kept)

    def close(self) -> None:
        """End the run."""
        self._run.finish()
