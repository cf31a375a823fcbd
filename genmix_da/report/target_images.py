"""Target images of a run, found again for its page, also after the data were moved."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genmix_da.report.moved_files import data_homes, find_recorded

if TYPE_CHECKING:
    from PIL.Image import Image


class TargetImages:
    """Reads the images that predictions.csv names; enter `pil_warnings_ignored` before.

    Args:
        run: run folder.
        result: content of its result.json.
    """

    def __init__(self, run: Path, result: Mapping[str, Any]) -> None:
        self._run = run
        self._homes = data_homes(result)

    def read(self, recorded: str) -> Image | None:
        """The image of that path, upright in RGB; None where it is gone or damaged."""
        from genmix_da.data.pixels import read_image

        place = find_recorded(recorded, self._run, homes=self._homes, least=3)
        try:
            return read_image(place.read_bytes()) if place else None
        except (OSError, ValueError):
            return None
