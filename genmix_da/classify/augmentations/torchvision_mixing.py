"""Pair mixing by torchvision: mixup and CutMix."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from torchvision.transforms import v2

from genmix_da.classify.augmentations.drawing import DrawnFrom
from genmix_da.classify.augmentations.mixing import BetaMixing, like

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class _TorchvisionMixing(BetaMixing):
    """Mixes by a transform of batches and label weights."""

    @cached_property
    def _transform(self) -> v2.Transform:
        raise NotImplementedError

    def mix(
        self, images: Tensor, weights: Tensor, draw: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """See the class."""
        with DrawnFrom(draw):
            mixed, labels = self._transform(images, weights)
        return like(mixed, images), labels


@dataclass(frozen=True, kw_only=True)
class Mixup(_TorchvisionMixing):
    """x = l x_a + (1 - l) x_b, y = l y_a + (1 - l) y_b, l ~ Beta(alpha, alpha), one l a batch.

    Zhang, Cisse, Dauphin and Lopez-Paz, "mixup: Beyond Empirical Risk Minimization", ICLR 2018:
    alpha 1 on CIFAR (the default), 0.2 on ImageNet.
    """

    name: ClassVar[str] = "mixup"

    @cached_property
    def _transform(self) -> v2.MixUp:
        return v2.MixUp(alpha=self.alpha)


@dataclass(frozen=True, kw_only=True)
class Cutmix(_TorchvisionMixing):
    """A box with sides sqrt(1 - l) of the image's, l ~ Beta(alpha, alpha), centre uniform.

    Yun et al., "CutMix: Regularization Strategy to Train Strong Classifiers with Localizable
    Features", ICCV 2019: alpha 1. The box is cut at the border and the label weight is the area
    that is left of the image, not l. One box a batch.
    """

    name: ClassVar[str] = "cutmix"

    @cached_property
    def _transform(self) -> v2.CutMix:
        return v2.CutMix(alpha=self.alpha)
