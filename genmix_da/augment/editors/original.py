"""The editor that edits nothing: what the rest of GenMix does without one, for component ablations.

With it, joining is the identity and the fractal alone is left (Eq. 5 on the original).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from genmix_da.augment.editors.base import InstantEditor, Pixels, Request
from genmix_da.augment.prompts import Style
from genmix_da.errors import UserError


class OriginalEditor(InstantEditor):
    """See `Editor`. Gives back the images as they are, whatever the style."""

    name = "original"
    stand_in = False
    largest_batch = 16

    def __init__(self, request: Request) -> None:
        what = self._unwanted(request)
        if what is not None:
            raise UserError(f"the editor 'original' takes no {what}: it leaves images alone.")
        self.settings: Mapping[str, Any] = {}

    def check(self, styles: Sequence[Style]) -> None:
        """Every style will do."""

    def edit(
        self, images: Sequence[Pixels], prompts: Sequence[Style], seeds: Sequence[int]
    ) -> list[NDArray[Any]]:
        """The images."""
        return [image.copy() for image in images]
