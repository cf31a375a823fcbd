"""The editor that edits nothing: what the rest of GenMix does without one, for component ablations.

With it, joining is the identity and the fractal alone is left (Eq. 5 on the original).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from genmix_da.augment.editors.base import Editor, Pixels, Request
from genmix_da.augment.prompts import Style
from genmix_da.errors import UserError


class OriginalEditor:
    """See `Editor`. Gives back the images as they are, whatever the style."""

    name = "original"
    stand_in = False
    native_size: int | None = None
    largest_batch = 16
    slow = False

    def __init__(self, request: Request) -> None:
        given = request.options.given()
        if request.model is not None or given:
            what = "model" if request.model else next(iter(given)).replace("_", "-")
            raise UserError(f"the editor 'original' takes no {what}: it leaves images alone.")
        self.settings: Mapping[str, Any] = {}

    def seconds_per_edit(self) -> float | None:
        """None: no time at all."""
        return None

    def faster(self) -> Editor | None:
        """None."""
        return None

    def check(self, styles: Sequence[Style]) -> None:
        """Every style will do."""

    def edit(
        self, images: Sequence[Pixels], prompts: Sequence[Style], seeds: Sequence[int]
    ) -> list[NDArray[Any]]:
        """The images."""
        return [image.copy() for image in images]
