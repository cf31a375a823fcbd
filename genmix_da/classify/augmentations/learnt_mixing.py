"""What the methods share that learn where to mix: options, and a block that learns from a twin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from genmix_da.classify.augmentations.base import Augmentation
from genmix_da.classify.augmentations.companion import Companion
from genmix_da.classify.augmentations.momentum_twin import MomentumTwin, momentum_at
from genmix_da.errors import UserError

UPSAMPLING = ("nearest", "bilinear")


@dataclass(frozen=True, kw_only=True)
class LearntMixing(Augmentation):
    """What methods with a mix block share: options, and that nothing is mixed before it.

    Attributes:
        alpha: of Beta(alpha, alpha), from which the shares are drawn.
        stage: of the backbone, whose maps the block sees; 0: see `MomentumTwin`.
        momentum, last_momentum: of the copy that the block learns from, first and last.
        margin: shares this near to 0 or 1 are mixed evenly over the image.
        upsampling: of the block's map to the image's size: nearest or bilinear.
        block_lr: learning rate of the block over the classifier's.

    Raises:
        UserError: an option is out of range.
    """

    alpha: float = 2.0
    stage: int = 0
    momentum: float = 0.999
    last_momentum: float = 0.999999
    margin: float = 0.08
    upsampling: str = "nearest"
    block_lr: float = 1.0

    def __post_init__(self) -> None:
        self._require("alpha", 1e-3)
        self._require("stage", 0, 1000)
        self._require("momentum", 0, 1)
        self._require("last_momentum", 0, 1)
        self._require("margin", 0, 0.5)
        self._require("block_lr", 0, 1000)
        if self.upsampling not in UPSAMPLING:
            raise UserError(
                f"{self.name}: upsampling is {self.upsampling!r}; it must be "
                f"{' or '.join(UPSAMPLING)}."
            )

    def even(self, shares: list[float]) -> bool:
        """Whether an image with these shares is mixed evenly."""
        return any(share <= self.margin or share >= 1 - self.margin for share in shares)

    def example(self, network: nn.Module) -> Tensor:
        """An image [1, 3, S, S] of zeros where the network is."""
        size = self.setup.image_size
        return torch.zeros(1, 3, size, size, device=next(network.parameters()).device)


Settings = TypeVar("Settings", bound=LearntMixing)


class TwinCompanion(Companion, Generic[Settings]):
    """A block that is trained, and the twin of the network whose maps it sees.

    Args:
        settings: of the method.
        network: before its first step.
        block: makes the block for maps of so many channels.
    """

    def __init__(
        self, settings: Settings, network: nn.Module, block: Callable[[int], nn.Module]
    ) -> None:
        super().__init__()
        self._s = settings
        example = settings.example(network)
        self.twin = MomentumTwin(network, example, settings.stage)
        self.block = block(self.twin.channels).to(example.device)
        self.lr_factor = settings.block_lr

    def after_step(self, network: nn.Module, progress: float) -> None:
        """The twin follows."""
        self.twin.follow(network, momentum_at(progress, self._s.momentum, self._s.last_momentum))


def begin(module: nn.Module) -> None:
    """Weights of a block before its first step."""
    if isinstance(module, nn.Conv2d):
        nn.init.normal_(module.weight, std=0.01)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
