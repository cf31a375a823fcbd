"""One batch on several devices: each process runs the backbone on its part of every batch.

All processes run the same program with the same seeds, so that they draw the same batches. Of a
network only the backbone is shared out: a part of the images goes in, and the features of all come
out, gathered. What follows (heads, losses, bank, pseudo-labels, scores) every process computes
whole, and alike. The features of its own part carry gradients; those of the backbone are summed
before each step, and its batch norm takes the statistics of the whole batch. So the result is that
of one device with the same batch, within rounding.

The processes are made by who starts them, and meet in `share_out`; alone, nothing here acts.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn

# Set by who starts the processes: number of this one, of all, and where they meet.
RANK, WORLD, MEETING = "GENMIX_DA_RANK", "GENMIX_DA_WORLD", "GENMIX_DA_MEETING"
_SHARED = "_shared_out"  # mark of parameters whose gradients are partial
_PATIENCE = timedelta(hours=12)  # one process may make images or features that the others wait for


def is_joined() -> bool:
    """Whether this process is one of several."""
    return dist.is_available() and dist.is_initialized()


def join(device: torch.device) -> None:
    """Meet the other processes, where there are any.

    Args:
        device: of this one.
    """
    if RANK not in os.environ or is_joined():
        return
    dist.init_process_group(
        "nccl" if device.type == "cuda" else "gloo",
        init_method=os.environ[MEETING],
        rank=int(os.environ[RANK]),
        world_size=int(os.environ[WORLD]),
        timeout=_PATIENCE,
    )


def processes() -> int:
    """How many share the work; 1 alone."""
    return int(os.environ.get(WORLD, "1"))


def share_out(backbone: nn.Module, device: torch.device) -> None:
    """Run a backbone on a part of each batch in each process; of one process nothing changes.

    Args:
        backbone: one tensor in, one out; whoever calls it gives it batches of at least two images
            a process to train on.
        device: of this process.
    """
    join(device)
    if not is_joined():
        return
    for parameter in backbone.parameters():
        setattr(parameter, _SHARED, True)
    pass_ = _Pass()
    backbone.register_forward_pre_hook(pass_.begin)
    backbone.register_forward_hook(pass_.end)


def sum_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Add up the partial gradients of all processes; of one process nothing changes.

    Those that every process has whole are averaged, so that rounding which differs from device to
    device cannot drive the weights apart.
    """
    if not is_joined():
        return
    world = dist.get_world_size()
    held: list[tuple[Tensor, float]] = []  # a gradient, and what of it counts
    for parameter in parameters:
        if parameter.grad is not None:
            share = 1.0 if getattr(parameter, _SHARED, False) else 1.0 / world
            held.append((parameter.grad, share))
    flat = torch.cat([(gradient * share).reshape(-1) for gradient, share in held])
    dist.all_reduce(flat)
    start = 0
    for gradient, _ in held:
        gradient.copy_(flat[start : start + gradient.numel()].view_as(gradient))
        start += gradient.numel()


@dataclass
class _Pass:
    """One forward pass of a backbone: its part of the batch, then the features of all."""

    sizes: list[int] = field(default_factory=list)
    usual: Any = None

    def begin(self, module: nn.Module, inputs: tuple[Tensor]) -> tuple[Tensor] | None:
        (images,) = inputs
        count, world = len(images), dist.get_world_size()
        self.sizes = []
        # Too few, or gradients of pixels are wanted, which hang on no other part: all do all.
        if count < 2 * world or images.requires_grad:
            if module.training and torch.is_grad_enabled() and not images.requires_grad:
                raise ValueError(f"a batch of {count} is too small for {world} devices")
            return None
        self.sizes = [count // world + (rank < count % world) for rank in range(world)]
        if module.training:
            self.usual = F.batch_norm
            F.batch_norm = _whole_batch_norm  # type: ignore[assignment]
        start = sum(self.sizes[: dist.get_rank()])
        return (images[start : start + self.sizes[dist.get_rank()]],)

    def end(self, module: nn.Module, inputs: tuple[Tensor], features: Tensor) -> Tensor | None:
        if self.usual is not None:
            F.batch_norm, self.usual = self.usual, None
        return _gathered(features, self.sizes) if self.sizes else None


def _gathered(own: Tensor, sizes: list[int]) -> Tensor:
    """Rows of all processes in order; gradients flow to this one's own."""
    most = max(sizes)
    padded = own.detach().new_zeros(most, *own.shape[1:])
    padded[: len(own)] = own.detach()
    parts = [torch.empty_like(padded) for _ in sizes]
    dist.all_gather(parts, padded)
    rows = [part[:size] for part, size in zip(parts, sizes, strict=True)]
    rows[dist.get_rank()] = own
    return torch.cat(rows)


class _Sum(torch.autograd.Function):
    """Sum over all processes, of values and of gradients."""

    @staticmethod
    def forward(context: Any, value: Tensor) -> Tensor:
        total = value.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        dist.all_reduce(total)
        return total


def _whole_batch_norm(
    values: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """`torch.nn.functional.batch_norm` with the statistics of the parts of all processes."""
    if not training:
        return torch.batch_norm(
            *(values, weight, bias, running_mean, running_var),
            *(False, momentum, eps, torch.backends.cudnn.enabled),
        )
    dims = [dim for dim in range(values.ndim) if dim != 1]
    shape = [1, -1] + [1] * (values.ndim - 2)
    whole = values.float()
    count = _Sum.apply(whole.new_tensor([whole.numel() / whole.shape[1]]))
    mean = _Sum.apply(whole.sum(dims)) / count
    centred = whole - mean.view(shape)
    variance = _Sum.apply((centred * centred).sum(dims)) / count
    if running_mean is not None and running_var is not None:
        with torch.no_grad():
            unbiased = variance * (count / (count - 1))
            running_mean.lerp_(mean.to(running_mean.dtype), momentum)
            running_var.lerp_(unbiased.to(running_var.dtype), momentum)
    result: Tensor = centred * torch.rsqrt(variance + eps).view(shape)
    if weight is not None:
        result = result * weight.view(shape)
    if bias is not None:
        result = result + bias.view(shape)
    return result.to(values.dtype)
