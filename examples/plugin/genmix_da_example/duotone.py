"""An editor that prints a picture in two colours, which style and seed choose."""

import colorsys
import zlib

import numpy as np

from genmix_da.augment.editors.base import InstantEditor, Request
from genmix_da.errors import UserError


class DuotoneEditor(InstantEditor):
    """Two colours, one for the shadows and one for the lights."""

    name = "duotone"
    stand_in = True  # no generative editor, and every manifest says so
    largest_batch = 16

    def __init__(self, request: Request) -> None:
        what = self._unwanted(request)
        if what is not None:
            raise UserError(f"the editor 'duotone' takes no {what}; leave it out.")
        # Whatever changes the result: part of the cache's key, so a new version edits anew.
        self.settings = {"version": 1}

    def check(self, styles):
        """Every style will do: its words choose the colours."""

    def edit(self, images, prompts, seeds):
        """The images in two colours each."""
        return [
            self._one(image, style.phrase, seed)
            for image, style, seed in zip(images, prompts, seeds, strict=True)
        ]

    def _one(self, image, phrase, seed):
        hue = zlib.crc32(f"{phrase}/{seed}".encode()) / 2**32
        dark = np.array(colorsys.hsv_to_rgb(hue, 0.8, 0.3))
        light = np.array(colorsys.hsv_to_rgb((hue + 0.45) % 1, 0.35, 1.0))
        grey = image.mean(axis=2, keepdims=True) / 255
        return np.round(255 * (dark + grey * (light - dark))).astype(np.uint8)
