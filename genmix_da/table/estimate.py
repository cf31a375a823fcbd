"""What a plan would cost: seconds of its missing jobs, and how a step is timed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

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


def timed(work: Callable[[], None], device: torch.device) -> float:
    """Seconds of the fastest of a few calls; a first one, which warms up, does not count."""
    times = []
    for _ in range(_REPEATS + 1):
        started = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - started)
    return min(times[1:])
