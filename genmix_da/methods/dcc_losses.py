"""Losses of DCC: the cluster memory, and the contrast of classes across domains (CDD).

After Li et al. (CVPR 2021) and Kang et al. (CVPR 2019). Re-implementation; verified against arrays
of the authors' released code (MIT).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

KERNELS, MULTIPLIER = 5, 2.0  # widths of the kernel, and their ratio
_SMALLEST, _LARGEST = 1e-5, 1e5  # of widths and of distances over a width


def entropy_weight(step: float, total: float, gamma: float = 3.0) -> float:
    """Weight of the cluster loss: exp(-gamma (total - step) / total), rising to 1 at the end."""
    return math.exp(-gamma * (total - step) / total)


def update_memory(memory: Tensor, unit: Tensor, clusters: Tensor) -> Tensor:
    """Memory [K, D] moved towards the batch's samples of each cluster; the old part's weight is the
    cosine of the two.

    Args:
        memory: [K, D] unit rows.
        unit: [B, D] unit features; no gradient is kept.
        clusters: [B] of them.
    """
    sums = torch.zeros_like(memory).index_add_(0, clusters, unit.detach().to(memory))
    centres = normalize(sums, dim=1)
    weight = (memory * centres).sum(dim=1, keepdim=True)
    moved = normalize(weight * memory + (1 - weight) * centres, dim=1)
    seen = torch.zeros(len(memory), dtype=torch.bool, device=memory.device)
    seen[clusters] = True
    return torch.where(seen.unsqueeze(1), moved, memory)


def cluster_loss(unit: Tensor, clusters: Tensor, memory: Tensor, temperature: float) -> Tensor:
    """Mean cross-entropy of the similarities to the memory over the temperature.

    Args:
        unit: [B, D] unit features.
        clusters: [B] of them.
        memory: [K, D] unit rows, without gradient.
        temperature: divides the similarities.
    """
    return cross_entropy(unit @ memory.T / temperature, clusters)


@dataclass(frozen=True)
class Discrepancy:
    """CDD of B blocks, each of one class.

    Attributes:
        intra: mean discrepancy of source and target within a class.
        inter: that of different classes; None with one class.
    """

    intra: Tensor
    inter: Tensor | None

    @property
    def total(self) -> Tensor:
        """What is made small."""
        return self.intra if self.inter is None else self.intra - self.inter


def contrastive_discrepancy(source: Tensor, target: Tensor, blocks: int) -> Discrepancy:
    """Kernel discrepancies between all classes of a class-aware batch.

    Args:
        source, target: [B n, D] features, n consecutive rows of each of B different classes, the
            same ones in both.
        blocks: B.
    """
    per_class = len(source) // blocks
    of_source, of_target = (part.reshape(blocks, per_class, -1) for part in (source, target))
    within_source = _distances(of_source, of_source)  # [B, n, n]
    within_target = _distances(of_target, of_target)
    across = _distances(of_source.unsqueeze(1), of_target.unsqueeze(0))  # [B, B, n, n]
    sums = [part.detach().sum(dim=(-2, -1)) for part in (within_source, within_target, across)]
    count = 4 * per_class * per_class - 2 * per_class  # pairs of two of 2n samples
    mean = (sums[0].unsqueeze(1) + sums[1].unsqueeze(0) + 2 * sums[2]) / count  # [B, B]
    powers = MULTIPLIER ** (torch.arange(KERNELS, device=mean.device) - KERNELS // 2)
    widths = (mean.unsqueeze(-1) * powers.to(mean)).clamp(min=_SMALLEST)  # [B, B, kernels]
    found = (
        _kernel(within_source.unsqueeze(1), widths)
        + _kernel(within_target.unsqueeze(0), widths)
        - 2 * _kernel(across, widths)
    )
    intra = found.diagonal().mean()
    if blocks == 1:
        return Discrepancy(intra, None)
    inter = (found.sum() - found.diagonal().sum()) / (blocks * (blocks - 1))
    return Discrepancy(intra, inter)


def _distances(first: Tensor, second: Tensor) -> Tensor:
    """[..., n, n] squared distances of [..., n, D] and [..., n, D]."""
    squared: Tensor = (first.unsqueeze(-2) - second.unsqueeze(-3)).square().sum(dim=-1)
    return squared


def _kernel(distances: Tensor, widths: Tensor) -> Tensor:
    """Mean kernel [B, B] of distances [.., .., n, n] with widths [B, B, kernels]."""
    scaled = distances.unsqueeze(2) / widths[..., None, None]
    # Where it is clipped, as for a sample with itself, there is no gradient.
    return torch.exp(-scaled.clamp(_SMALLEST, _LARGEST)).sum(dim=2).mean(dim=(-2, -1))
