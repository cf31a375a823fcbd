"""Mixed precision on CUDA, plain float32 elsewhere."""

from __future__ import annotations

import torch
from torch import Tensor

from lead.shards import sum_gradients

# Kinds of devices where a forward pass may be mixed. On the CPU results are to be the same on every
# run; tests put it here, so that these lines are run where there is no card.
MIXED_ON = {"cuda"}


class Precision:
    """How a forward pass and an optimiser step run on a device.

    bfloat16 where the card has it, else float16 with loss scaling; float32 on the CPU, where the
    results are to be the same on every run.

    Args:
        device: where the network is.
        mixed: False keeps float32 on CUDA too.
    """

    def __init__(self, device: torch.device, *, mixed: bool = True) -> None:
        self.device = device
        self.enabled = mixed and device.type in MIXED_ON
        self.dtype = _half(device) if self.enabled else torch.float32
        self._scaler = torch.amp.GradScaler(device.type, enabled=self.dtype == torch.float16)

    def autocast(self) -> torch.autocast:
        """Context of a forward pass."""
        dtype = self.dtype if self.enabled else torch.bfloat16
        return torch.autocast(self.device.type, dtype=dtype, enabled=self.enabled)

    def step(self, loss: Tensor, optimizer: torch.optim.Optimizer) -> None:
        """Backward pass and optimiser step."""
        optimizer.zero_grad(set_to_none=True)
        self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        sum_gradients(p for group in optimizer.param_groups for p in group["params"])
        self._scaler.step(optimizer)
        self._scaler.update()

    def state(self) -> dict[str, float]:
        """The loss scale, for a training state; empty where nothing is scaled."""
        return dict(self._scaler.state_dict())

    def load(self, state: dict[str, float]) -> None:
        """Take over a saved loss scale."""
        if state:
            self._scaler.load_state_dict(state)


def _half(device: torch.device) -> torch.dtype:
    """Older cards emulate bfloat16, slower than float16 with loss scaling."""
    native = device.type != "cuda" or torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.bfloat16 if native else torch.float16
