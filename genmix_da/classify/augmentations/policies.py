"""Policies of simple image operations, by torchvision: colour, contrast, shear, rotation and so on.

All four use the library's ranges of strength, nearest or bilinear resampling and black borders.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from PIL import Image
from torchvision.transforms import v2

from genmix_da.classify.augmentations.base import Augmentation
from genmix_da.classify.augmentations.drawing import DrawnFrom
from genmix_da.errors import UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_POLICIES = tuple(policy.value for policy in v2.AutoAugmentPolicy)
# Magnitudes come from a table of this many steps.
_BINS = 31


@dataclass(frozen=True, kw_only=True)
class _Policy(Augmentation):
    """A torchvision transform of one picture at a time."""

    @cached_property
    def _transform(self) -> Any:
        raise NotImplementedError

    def picture(self, pixels: NDArray[np.uint8], draw: np.random.Generator) -> NDArray[np.uint8]:
        """See the class."""
        # Pillow's operations on bytes take a third of the time of torchvision's on tensors.
        with DrawnFrom(draw):
            return np.array(self._transform(Image.fromarray(pixels)))


@dataclass(frozen=True, kw_only=True)
class Randaugment(_Policy):
    """`operations` of 14, drawn with equal chance, all at one strength.

    Cubuk, Zoph, Shlens and Le, "RandAugment: Practical automated data augmentation with a reduced
    search space", CVPR Workshops 2020. The defaults are torchvision's, 2 operations at 9 of 30; the
    paper's ImageNet setting, 2 operations at 9 of 10, is magnitude 27 here.

    Attributes:
        operations: one after the other.
        magnitude: 0 (weakest) to 30.

    Raises:
        UserError: an option is out of range.
    """

    name: ClassVar[str] = "randaugment"

    operations: int = 2
    magnitude: int = 9

    def __post_init__(self) -> None:
        self._require("operations", 1, 14)
        self._require("magnitude", 0, _BINS - 1)

    @cached_property
    def _transform(self) -> v2.RandAugment:
        return v2.RandAugment(
            num_ops=self.operations, magnitude=self.magnitude, num_magnitude_bins=_BINS
        )


@dataclass(frozen=True, kw_only=True)
class Autoaugment(_Policy):
    """One of 25 learned pairs of operations, each with its chance and strength.

    Cubuk et al., "AutoAugment: Learning Augmentation Strategies from Data", CVPR 2019.

    Attributes:
        policy: "imagenet" (default), "cifar10" or "svhn": what it was learned on.

    Raises:
        UserError: there is no such policy.
    """

    name: ClassVar[str] = "autoaugment"

    policy: str = v2.AutoAugmentPolicy.IMAGENET.value

    def __post_init__(self) -> None:
        if self.policy not in _POLICIES:
            raise UserError(
                f"autoaugment has no policy {self.policy!r}; choose one of {', '.join(_POLICIES)}."
            )

    @cached_property
    def _transform(self) -> v2.AutoAugment:
        return v2.AutoAugment(v2.AutoAugmentPolicy(self.policy))


@dataclass(frozen=True, kw_only=True)
class Trivialaugment(_Policy):
    """One operation with equal chance, at a strength with equal chance: nothing to set.

    Mueller and Hutter, "TrivialAugment: Tuning-free Yet State-of-the-Art Data Augmentation", ICCV
    2021, the wide ranges.
    """

    name: ClassVar[str] = "trivialaugment"

    @cached_property
    def _transform(self) -> v2.TrivialAugmentWide:
        return v2.TrivialAugmentWide(num_magnitude_bins=_BINS)


@dataclass(frozen=True, kw_only=True)
class Augmix(_Policy):
    """m x + (1 - m) sum_i w_i chain_i(x): chains of 1 to 3 operations, w ~ Dirichlet, m ~ Beta.

    Hendrycks et al., "AugMix: A Simple Data Processing Method to Improve Robustness and
    Uncertainty", ICLR 2020: severity 3, width 3, depth 1 to 3, alpha 1. The Jensen-Shannon term
    between views is left out: it triples the passes, and the other methods have no loss of their
    own.

    Attributes:
        severity: of operations, 1 to 10.
        width: chains.
        depth: operations of a chain; -1 draws 1 to 3 for each.
        alpha: of Dirichlet and Beta, above 0.

    Raises:
        UserError: an option is out of range.
    """

    name: ClassVar[str] = "augmix"

    severity: int = 3
    width: int = 3
    depth: int = -1
    alpha: float = 1.0

    def __post_init__(self) -> None:
        self._require("severity", 1, 10)
        self._require("width", 1, 100)
        self._require("depth", -1, 100)
        self._require("alpha", 1e-3)
        if self.depth == 0:
            raise UserError("augmix: depth is 0; it must be at least 1, or -1 to draw it.")

    @cached_property
    def _transform(self) -> v2.AugMix:
        return v2.AugMix(self.severity, self.width, self.depth, self.alpha)

    def picture(self, pixels: NDArray[np.uint8], draw: np.random.Generator) -> NDArray[np.uint8]:
        """See the class."""
        # Pillow would not help here: the library turns the picture into a tensor.
        tensor = torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)
        with DrawnFrom(draw):
            mixed = self._transform(tensor)
        return np.ascontiguousarray(mixed.permute(1, 2, 0).numpy())
