"""What an augmentation trains beside the network.

Kept in the training state: a resumed run goes on as an uninterrupted one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor, nn

if TYPE_CHECKING:
    import numpy as np

# (logits [B, C], label weights [B, C]) -> mean loss.
Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Objective:
    """What a batch is trained by.

    Attributes:
        loss: of the network and of what stands beside it, to be minimised.
        logits: [B, C] of the mixed images.
        weights: [B, C] label weights that the logits are compared with.
    """

    loss: Tensor
    logits: Tensor
    weights: Tensor


class Companion(nn.Module):
    """Takes the place of `Augmentation.forward`; parameters that want gradients are trained.

    Attributes:
        lr_factor: their learning rate over the classifier's.
    """

    lr_factor: float = 1.0

    def objective(
        self,
        network: nn.Module,
        images: Tensor,
        weights: Tensor,
        loss: Loss,
        draw: np.random.Generator,
    ) -> Objective:
        """The loss of a batch.

        Args:
            network: as `Augmentation.forward` has it.
            images: [B, 3, S, S].
            weights: [B, C]; rows sum to 1.
            loss: that the run trains by.
            draw: of what is mixed.
        """
        raise NotImplementedError

    def after_step(self, network: nn.Module, progress: float) -> None:
        """The network has taken a step.

        Args:
            network: after the step.
            progress: share of the run that is done, in (0, 1].
        """
