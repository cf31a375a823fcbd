"""Target images of a run, found again for its page, also after the data were moved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genmix_da.config_values import AUTO
from genmix_da.reporting.moved_files import data_homes, find_recorded

if TYPE_CHECKING:
    from PIL.Image import Image

    from genmix_da.data.grey import GreyRange


class TargetImages:
    """Reads the images that predictions.csv names; enter `pil_warnings_ignored` before.

    Args:
        run: run folder.
        result: content of its result.json.
        recorded: paths of all of them; deep grey has their range.
    """

    def __init__(self, run: Path, result: Mapping[str, Any], recorded: Iterable[str]) -> None:
        self._run = run
        self._homes = data_homes(result)
        self._recorded = tuple(recorded)
        config = (result.get("provenance") or {}).get("config") or {}
        self._choice = str(config.get("grey_range") or AUTO)

    def read(self, recorded: str) -> Image | None:
        """The image of that path, upright in RGB; None where it is gone or damaged."""
        from genmix_da.data.grey import deep_mode
        from genmix_da.data.pixels import read_image

        place = self._place(recorded)
        try:
            if place is None:
                return None
            return read_image(place.read_bytes(), self._grey if deep_mode(place) else None)
        except (OSError, ValueError):
            return None

    def _place(self, recorded: str) -> Path | None:
        return find_recorded(recorded, self._run, homes=self._homes, least=3)

    @cached_property
    def _grey(self) -> GreyRange:
        """As the run read deep grey; all images are looked for only where one is."""
        from genmix_da.data.grey import GreyRange

        places = map(self._place, self._recorded)
        return GreyRange([place for place in places if place is not None], self._choice)
