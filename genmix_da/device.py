"""Which device networks run on."""

from __future__ import annotations

import re
import resource
import sys

import torch

from genmix_da.errors import UserError


def resolve_device(name: str) -> torch.device:
    """The device that "auto", "cpu", "cuda" or "cuda:N" names.

    Raises:
        UserError: another name, or CUDA was asked for and is not there.
    """
    check_device_name(name)
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    kind, _, number = name.partition(":")
    if kind == "cuda" and not torch.cuda.is_available():
        raise UserError(f"--device {name}: no CUDA device is available; use --device cpu or auto.")
    if number and int(number) >= torch.cuda.device_count():
        raise UserError(f"--device {name}: there are {torch.cuda.device_count()} CUDA devices.")
    return torch.device(name)


def check_device_name(name: str) -> None:
    """Refuse what names no device, whether or not one will be used.

    Raises:
        UserError: it is not "auto", "cpu", "cuda" or "cuda:N".
    """
    if not re.fullmatch(r"auto|cpu|cuda(:[0-9]+)?", name):
        raise UserError(f"no device {name!r}; choose auto, cpu, cuda or cuda:N.")


def peak_memory_mib(device: torch.device) -> dict[str, float]:
    """Peak resident memory of the process, and of the CUDA device where one is used; MiB."""
    # Linux counts in KiB, macOS in bytes.
    unit = 2**20 if sys.platform == "darwin" else 2**10
    found = {"process": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit}
    if device.type == "cuda":
        found["cuda"] = torch.cuda.max_memory_allocated(device) / 2**20
    return found
