"""Join an edit with its original and blend in a fractal: the cheap half of GenMix (Eq. 4 and 5)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genmix_da.augment.blend import interpolate, join
from genmix_da.augment.fractals import COUNT, VERSION, WINDOWS, FractalSource
from genmix_da.augment.masks import Mask, draw_kind, draw_mask
from genmix_da.augment.settings import AugmentSettings
from genmix_da.places import cache_folder
from lead.seeds import derive

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Composition:
    """One augmented image and its parts.

    Attributes:
        mask_kind: one of MASK_KINDS; "none" where edits are not joined.
        fractal_name: file name; "" where lambda is 0.
        mask: [H, W] in [0, 1].
        hybrid: [H, W, 3] after Eq. 4.
        fractal: [H, W, 3], or None where lambda is 0.
        final: [H, W, 3] after Eq. 5.
    """

    mask_kind: str
    fractal_name: str
    mask: Mask
    hybrid: Pixels
    fractal: Pixels | None
    final: Pixels


def fractal_source(s: AugmentSettings, windows: int = WINDOWS) -> FractalSource | None:
    """The fractals of the settings: a user's folder or our own cache; None where lambda is 0.

    Args:
        s: which.
        windows: version of the way windows are drawn; of earlier ones, to make again what was made.
    """
    if s.fractal_lambda == 0:
        return None
    if s.fractals is not None:
        return FractalSource(Path(s.fractals), count=0)
    folder = cache_folder() / "fractals" / f"v{VERSION}"
    return FractalSource(folder, count=COUNT, windows=windows)


@dataclass(frozen=True)
class Draws:
    """Where the random choices of one composition come from.

    Mask and fractal have a generator each, and their names are the first thing drawn from it: so
    the manifest can name them without making the picture again.
    """

    seed: int
    name: str
    epoch: int = 0

    def mask(self) -> np.random.Generator:
        """Generator of the mask."""
        return np.random.default_rng(derive(self.seed, "mask", self.name, self.epoch))

    def fractal(self) -> np.random.Generator:
        """Generator of the fractal."""
        return np.random.default_rng(derive(self.seed, "fractal", self.name, self.epoch))


def drawn_names(
    fractals: FractalSource | None, s: AugmentSettings, draws: Draws
) -> tuple[str, str | None]:
    """Mask kind and fractal name that `compose` draws; no fractal where lambda is 0."""
    kind = draw_kind(s.masks, draws.mask()) if s.masks else "none"
    return kind, None if fractals is None else fractals.draw_file(draws.fractal())[1].name


def compose(
    original: Pixels, edit: Pixels, fractals: FractalSource | None, s: AugmentSettings, draws: Draws
) -> Composition:
    """Draw mask and fractal and make one augmented image.

    Args:
        original, edit: [H, W, 3] uint8.
        fractals: None where lambda is 0.
        s: masks, seam width, patches and lambda are used.
        draws: the same draws give the same image.
    """
    height, width = original.shape[:2]
    if s.masks:
        kind, mask = draw_mask(
            s.masks, height, width, draws.mask(), seam_width=s.seam_width, patches=s.patches
        )
        hybrid = join(original, edit, mask)
    else:
        kind, mask, hybrid = "none", np.ones((height, width), dtype=np.float32), edit
    if fractals is None:
        return Composition(kind, "", mask, hybrid, None, hybrid)
    name, fractal = fractals.window(height, width, draws.fractal())
    return Composition(
        kind, name, mask, hybrid, fractal, interpolate(hybrid, fractal, s.fractal_lambda)
    )
