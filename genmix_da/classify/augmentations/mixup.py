"""mixup: pairs of images and labels are interpolated."""

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
class Mixup(PairMixing):
    """x = l x_a + (1 - l) x_b, y = l y_a + (1 - l) y_b, l ~ Beta(alpha, alpha), one l a batch.

    Zhang, Cisse, Dauphin and Lopez-Paz, "mixup: Beyond Empirical Risk Minimization", ICLR 2018:
    alpha 1 on CIFAR (the default), 0.2 on ImageNet. By torchvision.

    Attributes:
        alpha: of the Beta distribution, above 0.

    Raises:
        UserError: an option is out of range.
    """

    name: ClassVar[str] = "mixup"

    alpha: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require("alpha", 1e-3)

    @cached_property
    def _transform(self) -> v2.MixUp:
        return v2.MixUp(alpha=self.alpha)

    def mix(
        self, images: Tensor, weights: Tensor, draw: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """See the class."""
        with DrawnFrom(draw):
            mixed, labels = self._transform(images, weights)
        return like(mixed, images), labels
