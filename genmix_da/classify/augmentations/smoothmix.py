"""SmoothMix: one image fades into another around a drawn centre."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from genmix_da.classify.augmentations.mixing import PairMixing, like, mates, mixed_weights
from genmix_da.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor


def round_mask(
    centre: tuple[float, float], spread: float, height: int, width: int
) -> NDArray[np.float32]:
    """exp(-d^2 / (2 spread^2)) of the distance d to the centre, in pixels: [H, W]."""
    vertical = np.exp(-((np.arange(height) + 0.5 - centre[0]) ** 2) / (2 * spread**2))
    horizontal = np.exp(-((np.arange(width) + 0.5 - centre[1]) ** 2) / (2 * spread**2))
    return np.outer(vertical, horizontal).astype(np.float32)


@dataclass(frozen=True, kw_only=True)
class Smoothmix(PairMixing):
    """x = (1 - G) x_a + G x_b with a Gaussian G of height 1, label weight of x_b = mean of G.

    Lee, Zaheer, Astrid and Lee, "SmoothMix: a Simple Yet Effective Data Augmentation to Train
    Robust Classifiers", CVPR Workshops 2020, the round mask: centre uniform, spread uniform between
    a quarter and half of the side. One mask a batch.

    Attributes:
        narrowest, widest: standard deviation of G as a share of the image's side.

    Raises:
        UserError: an option is out of range.
    """

    name: ClassVar[str] = "smoothmix"

    narrowest: float = 0.25
    widest: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("narrowest", 0.01)
        self._require("widest", 0.01)
        if self.narrowest > self.widest:
            raise UserError(
                f"smoothmix: narrowest is {self.narrowest:g}, more than widest {self.widest:g}."
            )

    def mix(
        self, images: Tensor, weights: Tensor, draw: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """See the class."""
        height, width = images.shape[-2:]
        centre = (draw.uniform(0, height), draw.uniform(0, width))
        spread = draw.uniform(self.narrowest, self.widest) * max(height, width)
        partner = round_mask(centre, spread, height, width)
        mask = torch.from_numpy(partner).to(images)
        mixed = like(torch.lerp(images, mates(images), mask), images)
        return mixed, mixed_weights(weights, 1.0 - float(partner.mean(dtype=np.float64)))
