"""What an editor is, and which of its results cannot be used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from genmix_da.augment.prompts import Style

Pixels = NDArray[np.uint8]

_BLACK_LEVEL = 8
_UNIFORM_STD = 2.0


class Editor(Protocol):
    """Turns images into images under style prompts.

    Attributes:
        name: e.g. "filters"; part of the cache key and of every record.
        stand_in: True where it imitates a generative editor and must be named as such.
        settings: everything that changes its results; part of the cache key.
        native_size: longest side in pixels it works at; None: any.
        largest_batch: most images of one call.
    """

    name: str
    stand_in: bool
    settings: Mapping[str, Any]
    native_size: int | None
    largest_batch: int

    def check(self, styles: Sequence[Style]) -> None:
        """Refuse styles that this editor does not know, before any work is done.

        Raises:
            UserError: naming the style and the known ones.
        """
        ...

    def edit(
        self, images: Sequence[Pixels], prompts: Sequence[Style], seeds: Sequence[int]
    ) -> list[NDArray[Any]]:
        """Edit each image under its own prompt and seed.

        The result of one image depends on that image, prompt and seed alone.

        Args:
            images: [H, W, 3] uint8 RGB each, sizes may differ.
            prompts: one style an image.
            seeds: one seed an image.

        Returns:
            As many images of the same sizes: uint8, or float in [0, 1].
        """
        ...


def edit_problem(edit: NDArray[Any]) -> str | None:
    """Why an edit cannot be used: "non-finite", "black" (a safety checker's answer) or "uniform".

    Args:
        edit: [H, W, 3] uint8, or float in [0, 1].

    Returns:
        None for a usable edit.
    """
    if np.issubdtype(edit.dtype, np.floating) and not np.isfinite(edit).all():
        return "non-finite"
    pixels = to_uint8(edit)
    if pixels.max() <= _BLACK_LEVEL:
        return "black"
    if float(pixels.std(axis=(0, 1)).max()) < _UNIFORM_STD:
        return "uniform"
    return None


def to_uint8(edit: NDArray[Any]) -> Pixels:
    """Pixels as uint8; floats in [0, 1] are scaled and clipped."""
    if edit.dtype == np.uint8:
        return edit
    return np.round(np.clip(edit, 0.0, 1.0) * 255).astype(np.uint8)
