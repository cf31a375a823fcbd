"""What a training loop carries from one epoch to the next, so that it can stop between."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import nn

from lead.precision import Precision


class EpochState:
    """Weights, optimiser and loss scale of a loop, and how many of its epochs are done.

    Args:
        network, optimizer, precision: of the loop; they take over what `state` holds.
        state: what a function from `after` gave, to go on behind that epoch; None: the first.
    """

    def __init__(
        self,
        network: nn.Module,
        optimizer: torch.optim.Optimizer,
        precision: Precision,
        state: Mapping[str, Any] | None,
    ) -> None:
        self._network, self._optimizer, self._precision = network, optimizer, precision
        self.done = 0
        if state is not None:
            network.load_state_dict(state["network"])
            optimizer.load_state_dict(state["optimizer"])
            precision.load(state["precision"])
            self.done = int(state["epoch"])

    def after(
        self, epoch: int, more: Callable[[], dict[str, Any]] = dict
    ) -> Callable[[], dict[str, Any]]:
        """Note that an epoch is done.

        Args:
            epoch: its number.
            more: gives what else the loop needs to go on.

        Returns:
            A function that gives the state to save. To be called before the next epoch begins, for
            the tensors are those that are trained on; it raises RuntimeError after that.
        """
        self.done = epoch
        return partial(self._taken, epoch, more)

    def _taken(self, epoch: int, more: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        if epoch != self.done:
            raise RuntimeError(
                f"the state of epoch {epoch} is gone, epoch {self.done} has replaced it"
            )
        return {
            "epoch": epoch,
            "network": self._network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "precision": self._precision.state(),
            **more(),
        }
