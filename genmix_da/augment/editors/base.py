"""What an editor is, and which of its results cannot be used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from genmix_da.augment.diffusion.options import EditorOptions
from genmix_da.augment.prompts import Style
from genmix_da.errors import UserError

Pixels = NDArray[np.uint8]

_BLACK_LEVEL = 8
_UNIFORM_STD = 2.0


@dataclass(frozen=True)
class Request:
    """What an editor is made from.

    Attributes:
        model: hub name or folder; None: the editor's own.
        options: of diffusion editors.
        device: "auto", "cpu", "cuda" or "cuda:N".
    """

    model: str | None = None
    options: EditorOptions = field(default_factory=EditorOptions)
    device: str = "auto"


class Editor(Protocol):
    """Turns images into images under style prompts.

    An editor that needs weights loads them when it first edits, not when it is made: where every
    edit is in the cache, nothing is loaded.

    Attributes:
        name: e.g. "filters"; part of the cache key and of every record.
        stand_in: True where it imitates a generative editor and must be named as such.
        settings: everything that changes its results; part of the cache key.
        native_size: side in pixels it works at; None: that of the image.
        slow: an edit takes so long on this device that many of them are asked about first.
        largest_batch: most images of one call; may load the networks to find out.
    """

    name: str
    stand_in: bool
    native_size: int | None
    slow: bool

    @property
    def settings(self) -> Mapping[str, Any]:
        """Everything that changes its results, plain values."""
        ...

    @property
    def largest_batch(self) -> int:
        """Most images of one call."""
        ...

    def seconds_per_edit(self) -> float | None:
        """Estimated seconds of one edit where it is slow, else None; loads the networks."""
        ...

    def faster(self) -> Editor | None:
        """The same editor with --fast; None where there is nothing to save."""
        ...

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
            As many images, of the same sizes or squares of `native_size`: uint8, or float in
            [0, 1].
        """
        ...


class InstantEditor:
    """What the editors without a network share: they take no options and no time to speak of."""

    native_size: int | None = None
    slow = False

    def seconds_per_edit(self) -> float | None:
        """None: milliseconds."""
        return None

    def faster(self) -> Editor | None:
        """None."""
        return None

    @staticmethod
    def _unwanted(request: Request, known: Sequence[str] = ()) -> str | None:
        """The first thing that was asked for and cannot be had; None where there is nothing.

        Args:
            request: what was asked for.
            known: options that the editor takes.
        """
        if request.model is not None:
            return "model"
        given = (name for name in request.options.given() if name not in known)
        return next((name.replace("_", "-") for name in given), None)


def refuse_pictures(name: str, styles: Sequence[Style]) -> None:
    """For editors that go by a prompt.

    Raises:
        UserError: a style is a picture.
    """
    if any(style.picture is not None for style in styles):
        raise UserError(
            f"the editor {name!r} goes by prompts and takes no style pictures; leave "
            "--style-images out, or choose --editor style-transfer."
        )


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


def fit_to(edit: NDArray[Any], original: NDArray[Any]) -> NDArray[Any]:
    """The edit at the size of its original: an editor with a native size works at that."""
    if edit.shape == original.shape:
        return edit
    height, width = original.shape[:2]
    smaller = height * width < edit.shape[0] * edit.shape[1]
    how = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(edit, (width, height), interpolation=how))


def to_uint8(edit: NDArray[Any]) -> Pixels:
    """Pixels as uint8; floats in [0, 1] are scaled and clipped."""
    if edit.dtype == np.uint8:
        return edit
    return np.round(np.clip(edit, 0.0, 1.0) * 255).astype(np.uint8)
