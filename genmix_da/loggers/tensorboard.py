"""TensorBoard: event files in the run folder, `tensorboard --logdir runs` shows them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genmix_da.loggers.base import stage_of, step_of
from genmix_da.runs.tracking import numbers

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


class Log:
    """See `genmix_da.loggers.base.Logger`."""

    _writer: SummaryWriter

    def start(self, folder: Path, settings: Mapping[str, Any]) -> None:
        """Open an event file; the settings are its text "settings"."""
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder / "tensorboard"))
        text = json.dumps(settings, indent=2, default=str)
        self._writer.add_text("settings", f"```\n{text}\n```")

    def epoch(self, row: Mapping[str, Any]) -> None:
        """Scalars of the epoch."""
        for name, value in numbers(row):
            self._writer.add_scalar(f"{stage_of(row)}/{name}", value, step_of(row))
        self._writer.flush()

    def finish(self, result: Mapping[str, Any]) -> None:
        """Scores of the run, as scalars of step 0."""
        for name, value in numbers(result["scores"], "result/"):
            self._writer.add_scalar(name, value, 0)

    def file(self, path: Path) -> None:
        """TensorBoard keeps no files: its place as a text."""
        self._writer.add_text("report", str(path.resolve()))

    def close(self) -> None:
        """Close the event file."""
        self._writer.close()
