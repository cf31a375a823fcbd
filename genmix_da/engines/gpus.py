"""Which GPUs a worker process of this machine sees."""

from __future__ import annotations

import os
from collections.abc import Sequence

from genmix_da.errors import UserError


def visible_gpus() -> list[str]:
    """GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    import torch

    count = torch.cuda.device_count()
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = named.split(",") if named is not None else [str(number) for number in range(count)]
    return [name.strip() for name in names[:count]]


def gpus_of_workers(
    workers: int, gpus_per_job: float | None, visible: Sequence[str]
) -> list[str | None]:
    """CUDA_VISIBLE_DEVICES of each worker; None leaves it as it is.

    Args:
        workers: how many.
        gpus_per_job: for each; a fraction lets workers share one. None gives each worker one GPU,
            in turn, however many workers share it.
        visible: GPUs there are.

    Raises:
        UserError: more is asked for than there is.
    """
    if gpus_per_job == 0:
        return [""] * workers
    if gpus_per_job is None:
        if not visible:
            return [None] * workers
        return [visible[worker % len(visible)] for worker in range(workers)]
    sharing = max(1, int(1 / gpus_per_job + 1e-9))  # 1 / (1 / 3) must be 3
    each = max(1, int(gpus_per_job))
    room = len(visible) // each * sharing
    if workers > room:
        mend = f"use workers:{room}, or fewer GPUs per job" if room else "leave out --gpus-per-job"
        raise UserError(
            f"{workers} workers with --gpus-per-job {gpus_per_job:g} do not fit on "
            f"{len(visible)} visible GPUs; {mend}."
        )
    groups = [visible[start : start + each] for start in range(0, len(visible), each)]
    whole = [",".join(group) for group in groups if len(group) == each]
    return [whole[worker % len(whole)] for worker in range(workers)]
