"""Which device networks run on."""

from __future__ import annotations

import torch

from genmix_da.errors import UserError


def resolve_device(name: str) -> torch.device:
    """The device that "auto", "cpu" or "cuda" names.

    Raises:
        UserError: CUDA was asked for and is not there.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("--device cuda: no CUDA device is available; use --device cpu or auto.")
    return torch.device(name)
