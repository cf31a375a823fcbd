"""What is timed: the stock pipeline, our editor, and how runs are interleaved and compared."""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from edit_operations import Variant, synchronize
from numpy.typing import NDArray
from PIL import Image

from genmix_da.augment.diffusion.networks import DTYPES
from genmix_da.augment.diffusion.options import EditorOptions
from genmix_da.augment.diffusion.schedulers import make_scheduler
from genmix_da.augment.editors.base import Pixels, Request, to_uint8
from genmix_da.augment.editors.instruct_pix2pix import InstructPix2PixEditor
from genmix_da.augment.prompts import Style

STYLE = Style("comic", "retro comic", "A transformed version of image into retro comic")

Edit = Callable[[Sequence[Pixels], Sequence[int]], list[Pixels]]


def say(text: str) -> None:
    """Progress, on stderr."""
    print(text, file=sys.stderr, flush=True)


def pictures(count: int, size: int, seed: int) -> list[Pixels]:
    """Smooth random images; each is new, since the editor keeps the latents of those it saw."""
    draw = np.random.default_rng(seed)
    coarse = draw.integers(0, 256, (count, 6, 6, 3), dtype=np.uint8)
    return [
        np.array(Image.fromarray(c).resize((size, size), Image.Resampling.BICUBIC)) for c in coarse
    ]


@dataclass(frozen=True)
class Subject:
    """A model on a device.

    Attributes:
        folder: of the pipeline.
        device: where it runs.
        size: side in pixels unless a call says otherwise.
    """

    folder: Path
    device: torch.device
    size: int

    @property
    def precision(self) -> str:
        """Of all networks, as the editor chooses it: half where there is a GPU."""
        return "fp16" if self.device.type == "cuda" else "fp32"

    def editor(self, variant: Variant, batch: int, **more: Any) -> InstructPix2PixEditor:
        """Our editor, networks not loaded yet."""
        options = {"size": self.size, "batch": batch, **variant.options, **more}
        request = Request(str(self.folder), EditorOptions(**options), str(self.device))
        return InstructPix2PixEditor(request)

    def stock(self) -> Any:
        """The stock pipeline, loaded."""
        from diffusers import StableDiffusionInstructPix2PixPipeline

        pipeline = StableDiffusionInstructPix2PixPipeline.from_pretrained(
            self.folder,
            torch_dtype=DTYPES[self.precision],
            safety_checker=None,
            local_files_only=True,
        ).to(self.device)
        pipeline.set_progress_bar_config(disable=True)
        return pipeline


def with_stock(pipeline: Any, variant: Variant) -> Edit:
    """Edits by the stock pipeline, one call an image; deep reuse is not in it."""
    chosen = variant.chosen()

    def edit(images: Sequence[Pixels], seeds: Sequence[int]) -> list[Pixels]:
        edits = []
        for image, seed in zip(images, seeds, strict=True):
            schedule = pipeline.scheduler.config
            pipeline.scheduler = make_scheduler(chosen["scheduler"], schedule, chosen["steps"])
            done = pipeline(
                prompt=STYLE.text,
                image=Image.fromarray(image),
                num_inference_steps=chosen["steps"],
                guidance_scale=chosen["guidance"],
                image_guidance_scale=chosen["image_guidance"],
                generator=torch.Generator().manual_seed(seed),
                output_type="np",
            )
            edits.append(to_uint8(done.images[0]))
        return edits

    return edit


def with_editor(editor: InstructPix2PixEditor) -> Edit:
    """Edits by ours."""

    def edit(images: Sequence[Pixels], seeds: Sequence[int]) -> list[Pixels]:
        edits = editor.edit(list(images), [STYLE] * len(images), list(seeds))
        return [to_uint8(each) for each in edits]

    return edit


@dataclass
class Runs:
    """What repeats of one job gave.

    Attributes:
        wall: seconds an image of each repeat.
        processor: the same of processor time, which other processes on the machine disturb less.
        edits: of each repeat.
    """

    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    edits: list[list[Pixels]] = field(default_factory=list, repr=False)

    def raw(self) -> dict[str, list[float]]:
        """The times alone."""
        return {"wall": self.wall, "processor": self.processor}

    def speed(self, other: Runs) -> tuple[float, float]:
        """How many times as fast as another job: processor and wall time, medians over repeats."""
        return (
            statistics.median(o / s for o, s in zip(other.processor, self.processor, strict=True)),
            statistics.median(o / s for o, s in zip(other.wall, self.wall, strict=True)),
        )

    def difference(self, other: Runs) -> tuple[int, float]:
        """Largest and mean absolute difference in levels, over the images that both edited."""
        pairs = [
            (first, second)
            for mine, theirs in zip(self.edits, other.edits, strict=True)
            for first, second in zip(mine, theirs, strict=False)
        ]
        return levels_apart([first for first, _ in pairs], [second for _, second in pairs])


def levels_apart(first: Sequence[Pixels], second: Sequence[Pixels]) -> tuple[int, float]:
    """Largest and mean absolute difference of pixels, of 255 levels."""
    apart: NDArray[Any] = np.abs(np.stack(first).astype(int) - np.stack(second).astype(int))
    return int(apart.max()), float(apart.mean())


def timed(edit: Edit, images: Sequence[Pixels], seeds: Sequence[int], device: torch.device) -> Runs:
    """One call."""
    synchronize(device)
    wall, processor = time.perf_counter(), time.process_time()
    edits = edit(images, seeds)
    synchronize(device)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    return Runs([wall / len(images)], [processor / len(images)], [edits])


def interleave(
    jobs: Mapping[str, tuple[Edit, int]], repeats: int, size: int, device: torch.device
) -> dict[str, Runs]:
    """Time jobs in turn, so that a busy machine slows all alike.

    Args:
        jobs: name -> how to edit, and how many images of a repeat; all see the same ones.
        repeats: times that each is timed, after one edit of one image that is not.
        size: side of the images.
        device: to wait for.
    """
    found = {name: Runs() for name in jobs}
    for name, (edit, _) in jobs.items():
        say(f"  {name}: warm-up")
        edit(pictures(1, size, 0), [0])
    most = max(count for _, count in jobs.values())
    for repeat in range(repeats):
        images, seeds = pictures(most, size, 1 + repeat), [*range(most)]
        for name, (edit, count) in jobs.items():
            one, runs = timed(edit, images[:count], seeds[:count], device), found[name]
            runs.wall += one.wall
            runs.processor += one.processor
            runs.edits += one.edits
            say(f"  {name}: {one.wall[0]:.2f} s an image, {one.processor[0]:.2f} s of processor")
    return found


def release(device: torch.device) -> None:
    """Give back the memory of what is not referred to any more."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
