"""What an edit costs, apart from any machine's mood: floating-point operations, and a matrix rate.

Operations are counted by torch's FlopCounterMode on the `meta` device, where tensors have shapes
and no memory: matrix products, convolutions and attention, two for a multiplication with addition.
Attention is counted as its two products, whichever kernel runs it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any
from unittest import mock

import torch
from torch.utils.flop_counter import FlopCounterMode

from genmix_da.augment.diffusion.deep_reuse import DeepReuse
from genmix_da.augment.diffusion.guidance import branch_count
from genmix_da.augment.diffusion.options import EditorOptions
from genmix_da.augment.diffusion.random_model import random_components
from genmix_da.augment.editors.instruct_pix2pix import PUBLISHED

_TERA = 1e12
# Counts that the goals were set with: (size, "unet") and (size, "vae", which is both ways).
STATED = {(512, "unet"): 0.803, (512, "vae"): 3.63, (256, "unet"): 0.180, (256, "vae"): 0.89}


@dataclass(frozen=True, eq=False)
class Variant:
    """A named set of editor options, over the published settings.

    Attributes:
        name: for tables.
        options: of `EditorOptions`.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def chosen(self) -> dict[str, Any]:
        """Every setting, those that were not given as published."""
        return {**PUBLISHED, **EditorOptions(**self.options).given()}

    def with_options(self, **more: Any) -> Variant:
        """The same name with more options."""
        return Variant(self.name, {**self.options, **more})


_20: Mapping[str, Any] = {"steps": 20, "scheduler": "dpm++"}
EXACT = Variant("100 x 3 (published)")
STEPS_20 = Variant("20 x 3", _20)
BRANCHES_2 = Variant("20 x 2 (image guidance 1)", {**_20, "image_guidance": 1.0})
BRANCHES_1 = Variant("20 x 1 (guidance 1)", {**_20, "guidance": 1.0})
FAST = Variant("--fast", {"fast": True})
COUNTED = (
    EXACT,
    Variant("100 x 2 (image guidance 1)", {"image_guidance": 1.0}),
    STEPS_20,
    BRANCHES_2,
    BRANCHES_1,
    *(Variant(f"20 x 3, reuse {n}", {**_20, "reuse": n}) for n in (2, 3, 5)),
    FAST,
    Variant("--fast, image guidance 1", {"fast": True, "image_guidance": 1.0}),
)


@dataclass(frozen=True)
class Costs:
    """TFLOP of one image's parts at one size.

    Attributes:
        size: side in pixels.
        unet: a whole UNet call, one branch.
        shallow: a call on kept deep features, one branch.
        encode, decode: of the VAE.
    """

    size: int
    unet: float
    shallow: float
    encode: float
    decode: float

    def edit(self, chosen: Mapping[str, Any]) -> float:
        """TFLOP of one edit; the text encoder runs once a prompt and is left out.

        Args:
            chosen: settings of the editor.
        """
        branches = branch_count(chosen["guidance"], chosen["image_guidance"])
        whole = math.ceil(chosen["steps"] / chosen["reuse"])
        calls = whole * self.unet + (chosen["steps"] - whole) * self.shallow
        return branches * calls + self.encode + self.decode


@torch.no_grad()
def count_costs(model: str, sizes: Sequence[int]) -> list[Costs]:
    """Count the operations of a model at each size.

    Args:
        model: "full" or "tiny", see `random_components`.
        sizes: sides in pixels.
    """
    # The scheduler makes numpy tables from tensors, which those without memory refuse.
    with mock.patch("diffusers.EulerAncestralDiscreteScheduler"), torch.device("meta"):
        parts = random_components(model)
    unet, vae = parts["unet"], parts["vae"]
    reuse = DeepReuse(unet, 2)  # an interval above 1 makes the first call keep its features
    scale = 2 ** (len(vae.config.block_out_channels) - 1)
    found = []
    for size in sizes:
        side = size // scale
        sample = torch.empty(1, 8, side, side, device="meta")
        text = torch.empty(1, 77, unet.config.cross_attention_dim, device="meta")
        step = torch.tensor(1.0, device="meta")
        pixels = torch.empty(1, 3, size, size, device="meta")
        latents = torch.empty(1, 4, side, side, device="meta")
        reuse.restart()
        work: list[Callable[[], object]] = [
            partial(reuse, sample, step, text),
            partial(reuse.shallow, sample, step, text),
            partial(vae.encode, pixels),
            partial(vae.decode, latents),
        ]
        found.append(Costs(size, *(_operations(part) for part in work)))
    return found


def _operations(work: Callable[[], object]) -> float:
    with FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops() / _TERA


def operations_tables(sizes: Sequence[int] = (512, 256)) -> tuple[list[str], dict[str, Any]]:
    """The full architecture's operations: by part, then by variant.

    Args:
        sizes: sides in pixels; ratios are to the published settings at the first.

    Returns:
        Markdown tables and raw numbers.
    """
    costs = count_costs("full", sizes)
    parts: list[list[str]] = []
    for each in costs:
        for name, value, key in (
            ("whole UNet call, one branch", each.unet, "unet"),
            ("shallow UNet call (deep reuse), one branch", each.shallow, ""),
            ("VAE encode", each.encode, ""),
            ("VAE decode", each.decode, ""),
            ("VAE encode + decode", each.encode + each.decode, "vae"),
        ):
            stated = STATED.get((each.size, key))
            against = "" if stated is None else f"{stated} ({value / stated - 1:+.1%})"
            parts.append([f"{each.size} px", name, f"{value:.4f}", against])
    base = costs[0].edit(EXACT.chosen())
    variants, raw = [], {}
    for variant in COUNTED:
        totals = [each.edit(variant.chosen()) for each in costs]
        raw[variant.name] = dict(zip(map(str, sizes), totals, strict=True))
        cells = [f"{total:.2f} | {base / total:.2f}" for total in totals]
        variants.append([variant.name, *cells])
    titles = [f"TFLOP, {size} px | fewer than {EXACT.name}, {sizes[0]} px" for size in sizes]
    tables = [
        markdown(["size", "part", "TFLOP", "as stated with the goals"], parts),
        markdown(["steps x branches", *titles], variants),
    ]
    return tables, {"parts": [asdict(each) for each in costs], "edit_tflop": raw}


def matrix_rate(device: torch.device, dtype: torch.dtype) -> float:
    """TFLOP/s of a large square matrix product: the best of ten, after a warm-up.

    Args:
        device: to measure.
        dtype: of the matrices.
    """
    side, inner = (8192, 20) if device.type == "cuda" else (1024, 2)
    first, second = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    best = 0.0
    for attempt in range(11):
        synchronize(device)
        started = time.perf_counter()
        for _ in range(inner):
            torch.mm(first, second)
        synchronize(device)
        seconds = time.perf_counter() - started
        if attempt:
            best = max(best, inner * 2 * side**3 / seconds / _TERA)
    return best


def synchronize(device: torch.device) -> None:
    """Wait for the device, where it works on its own."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def markdown(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; a title or cell may hold " | " for several columns."""
    lines = [" | ".join(titles), *(" | ".join(row) for row in rows)]
    lines.insert(1, " | ".join(["---"] * (lines[0].count(" | ") + 1)))
    return "\n".join(f"| {line} |" for line in lines)
