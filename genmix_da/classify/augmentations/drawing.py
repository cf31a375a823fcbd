"""Library code that draws from torch's global generator, made to draw from ours.

Seeding the global generator around a call would race: views are made in a thread while the main
thread draws dropout. A torch function mode is seen by its own thread alone, so what runs under it
draws from a generator of its own, and the global one is neither read nor moved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

_RANDOM: frozenset[Callable[..., Any]] = frozenset(
    (
        torch.rand,
        torch.randn,
        torch.randint,
        torch.randperm,
        torch.normal,
        torch.bernoulli,
        torch.multinomial,
        torch._sample_dirichlet,
        Tensor.uniform_,
        Tensor.normal_,
        Tensor.random_,
        Tensor.bernoulli_,
        Tensor.exponential_,
    )
)


class DrawnFrom(TorchFunctionMode):
    """Inside `with DrawnFrom(draw):` this thread's random tensors depend on `draw` alone.

    Args:
        draw: one number is drawn from it, the seed of a torch generator on the CPU.
    """

    def __init__(self, draw: np.random.Generator) -> None:
        super().__init__()
        self._generator = torch.Generator().manual_seed(int(draw.integers(2**63)))

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Hand our generator to functions that would take the global one."""
        given = dict(kwargs or {})
        if func in _RANDOM:
            given.setdefault("generator", self._generator)
        return func(*args, **given)
