"""The editor without weights: one classical non-photorealistic filter per published style.

A stand-in for a generative editor, and named as such wherever its results appear: it recolours and
redraws an image, it does not imagine anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from genmix_da.augment.editors.base import InstantEditor, Pixels, Request, refuse_pictures
from genmix_da.augment.prompts import Style
from genmix_da.augment.style_filters import STYLE_FILTERS, apply_style
from genmix_da.augment.style_filters.registry import SMALLEST_SIDE
from genmix_da.errors import UserError

VERSION = 1


class FilterEditor(InstantEditor):
    """See `Editor`. Knows the 15 published phrases."""

    name = "filters"
    stand_in = True
    largest_batch = 1

    def __init__(self, request: Request = Request()) -> None:  # noqa: B008  (frozen)
        what = self._unwanted(request)
        if what is not None:
            raise UserError(
                f"the filters editor takes no {what}: it runs no network; leave it out, or choose "
                "--editor instruct-pix2pix."
            )
        self.settings: Mapping[str, Any] = {"version": VERSION}

    def check(self, styles: Sequence[Style]) -> None:
        """Refuse phrases without a filter."""
        refuse_pictures(self.name, styles)
        for style in styles:
            if style.phrase not in STYLE_FILTERS:
                raise UserError(
                    f"the filters editor has no filter for {style.phrase!r}; it knows: "
                    f"{', '.join(STYLE_FILTERS)}."
                )

    def edit(
        self, images: Sequence[Pixels], prompts: Sequence[Style], seeds: Sequence[int]
    ) -> list[NDArray[Any]]:
        """Apply each style's filter."""
        return [
            _styled(image, style.phrase, seed)
            for image, style, seed in zip(images, prompts, seeds, strict=True)
        ]


def _styled(image: Pixels, phrase: str, seed: int) -> Pixels:
    """The filtered image; one with a side too small for the filters is enlarged for them."""
    height, width = image.shape[:2]
    if min(height, width) >= SMALLEST_SIDE:
        return apply_style(image, phrase, seed)
    enlarged = cv2.resize(image, (max(width, SMALLEST_SIDE), max(height, SMALLEST_SIDE)))
    styled = apply_style(np.asarray(enlarged, dtype=np.uint8), phrase, seed)
    small = cv2.resize(styled, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8)
