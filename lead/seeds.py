"""Random streams that depend on the seed, the stage and the epoch alone.

A resumed run draws exactly what an uninterrupted run would have drawn, without saved generators.
"""

from __future__ import annotations

import hashlib

import numpy as np
import torch

from lead.errors import TooFewImagesError


def derive(seed: int, *parts: str | int) -> int:
    """A 63-bit seed for one purpose, e.g. derive(2021, "target", 3)."""
    text = "/".join(str(part) for part in (seed, *parts))
    return (
        int.from_bytes(hashlib.sha256(text.encode(errors="surrogateescape")).digest()[:8], "big")
        >> 1
    )


def seed_epoch(seed: int, stage: str, epoch: int) -> np.random.Generator:
    """Seed torch (dropout, stochastic depth) and return the generator of the epoch's batches."""
    value = derive(seed, stage, epoch)
    torch.manual_seed(value)
    return np.random.default_rng(value)


def batches(
    sample_count: int, batch_size: int, draw: np.random.Generator
) -> list[np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """A shuffled epoch cut into full batches; the rest is dropped, as published.

    Raises:
        TooFewImagesError: fewer samples than a batch.
    """
    if sample_count < batch_size:
        raise TooFewImagesError(
            f"{sample_count} images are fewer than a batch of {batch_size}; "
            f"use --batch-size {sample_count} or less"
        )
    order = draw.permutation(sample_count)
    full = sample_count // batch_size
    return [order[i * batch_size : (i + 1) * batch_size] for i in range(full)]
