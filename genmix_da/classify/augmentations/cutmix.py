"""CutMix: a box of one image is replaced by that of another, labels by area."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from torchvision.transforms import v2

from genmix_da.classify.augmentations.drawing import DrawnFrom
from genmix_da.classify.augmentations.mixing import PairMixing, like

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Cutmix(PairMixing):
    """A box with sides sqrt(1 - l) of the image's, l ~ Beta(alpha, alpha), centre uniform.

    Yun et al., "CutMix: Regularization Strategy to Train Strong Classifiers with Localizable
    Features", ICCV 2019: alpha 1. The box is cut at the border and the label weight is the area
    that is left of the image, not l. One box a batch. By torchvision.

    Attributes:
        alpha: of the Beta distribution, above 0.

    Raises:
        UserError: an option is out of range.
    """

    name: ClassVar[str] = "cutmix"

    alpha: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("alpha", 1e-3)

    @cached_property
    def _transform(self) -> v2.CutMix:
        return v2.CutMix(alpha=self.alpha)

    def mix(
        self, images: Tensor, weights: Tensor, draw: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """See the class."""
        with DrawnFrom(draw):
            mixed, labels = self._transform(images, weights)
        return like(mixed, images), labels
