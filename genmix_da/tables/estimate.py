"""What a plan would cost: seconds of its missing jobs, and how a step is timed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

_REPEATS = 3
FROM_RUNS = "runs that are done"
FROM_STEPS = "a few steps timed here"


@dataclass(frozen=True)
class Estimate:
    """Seconds of the missing jobs, one after another.

    Attributes:
        seconds: stage -> seconds; None where nothing is known of it.
        basis: "runs that are done" or "a few steps timed here".
    """

    seconds: dict[str, float | None]
    basis: str

    @property
    def hours(self) -> float:
        """Of all stages that something is known of."""
        return sum(value or 0.0 for value in self.seconds.values()) / 3600


def speeds(network: nn.Module, images: Tensor) -> tuple[float, float]:
    """Seconds of a training step on a batch, and of one image's evaluation.

    Args:
        network: gives logits, or a tuple that ends with them.
        images: [B, ...] on its device.
    """

    def step() -> None:
        network.train()
        found = network(images)
        (found if isinstance(found, Tensor) else found[-1]).sum().backward()

    @torch.no_grad()
    def evaluation() -> None:
        network.eval()
        network(images)

    return _timed(step, images.device), _timed(evaluation, images.device) / len(images)


def _timed(work: Callable[[], None], device: torch.device) -> float:
    """Seconds of the fastest of a few calls; a first one, which warms up, does not count."""
    times = []
    for _ in range(_REPEATS + 1):
        started = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - started)
    return min(times[1:])
