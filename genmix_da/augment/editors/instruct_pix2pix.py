"""The editor of the paper: InstructPix2Pix (Brooks, Holynski and Efros, CVPR 2023), batched.

Published settings are the default: Euler-ancestral, 100 steps, 512 px, text guidance 4, image
guidance 1.5, half precision where there is a GPU. No safety checker is run. The image is resized to
a square for the network and its edit back to the image's own shape.

An image's edit depends on the image, prompt and seed; what else is in its batch moves it by
rounding only: at most 1 of 255 levels in fp32 on a CPU. In half precision rounding grows over the
steps (docs/editors.md has the measured bounds), so a batch size that was asked for is part of the
cache key there; one that was chosen by memory is not.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from genmix_da.augment.diffusion.denoise import Batch, denoise
from genmix_da.augment.diffusion.guidance import branch_count
from genmix_da.augment.diffusion.loading import (
    PIX2PIX,
    find_pix2pix,
    load_json,
    pix2pix_identity,
)
from genmix_da.augment.diffusion.memory import (
    OutOfMemory,
    batch_that_fits,
    in_batches,
    is_out_of_memory,
)
from genmix_da.augment.diffusion.networks import Networks, load_networks, tiny_vae_identity
from genmix_da.augment.diffusion.schedulers import make_scheduler
from genmix_da.augment.diffusion.text import encode_texts
from genmix_da.augment.editors.base import Pixels, Request, refuse_pictures
from genmix_da.augment.prompts import Style
from genmix_da.device import resolve_device
from genmix_da.errors import UserError

logger = logging.getLogger(__name__)

# What decides an edit's pixels beside model, prompt and seed, as published.
PUBLISHED: Mapping[str, Any] = {
    "steps": 100,
    "scheduler": "euler-a",
    "guidance": 4.0,
    "image_guidance": 1.5,
    "size": 512,
    "reuse": 1,
    "tiny_vae": None,
    "channels_last": False,
    "compile": False,
    "attention": "sdpa",
}
_REPEATS = 3

Item = tuple[Pixels, Style, int]


class InstructPix2PixEditor:
    """See `Editor`.

    Args:
        request: model (None: `timbrooks/instruct-pix2pix`), options and device.

    Raises:
        UserError: model not found, another kind of pipeline, weights in pickle form, or a device
            that is not there.
    """

    name = "instruct-pix2pix"
    stand_in = False

    def __init__(self, request: Request) -> None:
        self._request = request
        self._device = resolve_device(request.device)
        self._pickle = request.options.allow_pickle
        self._folder = find_pix2pix(request.model, allow_pickle=self._pickle)
        half = self._device.type == "cuda"
        given = request.options.for_diffusion()
        self._batch: int | None = given.pop("batch", None)
        precision = given.pop("precision", "fp16" if half else "fp32")
        self._chosen = {**PUBLISHED, "precision": precision, **given}
        self.native_size: int | None = self._chosen["size"]
        schedule = load_json(self._folder / "scheduler" / "scheduler_config.json")
        make_scheduler(  # or refuse
            self._chosen["scheduler"], schedule, self._chosen["steps"], place=self._folder
        )
        self._texts: dict[str, torch.Tensor] = {}
        self._wanted: set[str] = set()
        self._networks: Networks | None = None
        self._fitting: int | None = None
        self._greys = 0
        self.slow = self._device.type == "cpu"

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """Everything that decides results; the model by the hash of its files."""
        settings = self._chosen | {"model": pix2pix_identity(self._folder)}
        if settings["tiny_vae"] is not None:
            settings["tiny_vae"] = tiny_vae_identity(settings["tiny_vae"])
        if settings["precision"] != "fp32":
            settings["batch"] = self._batch
        return settings

    @property
    def largest_batch(self) -> int:
        """As asked for; else 1 on a CPU, and what fits on a GPU."""
        if self._fitting is None:
            self._fitting = self._batch
        if self._fitting is None and self._device.type == "cpu":
            self._fitting = 1  # more is not faster there, and bits do not depend on the batch
        if self._fitting is None:
            self._fitting = batch_that_fits(self._device, self._grey_edit)
            logger.info("%d images at once on %s", self._fitting, self._device)
        return self._fitting

    def check(self, styles: Sequence[Style]) -> None:
        """Remember the prompts, so that all are encoded at once; refuse scales below 1."""
        refuse_pictures(self.name, styles)
        for style in styles:
            for scale in (style.guidance, style.image_guidance):
                if scale is not None and scale < 1:
                    raise UserError(
                        f"style {style.name!r} has a guidance scale of {scale}; it must be 1 or "
                        "more."
                    )
            self._wanted |= {style.text, style.negative}

    def edit(
        self, images: Sequence[Pixels], prompts: Sequence[Style], seeds: Sequence[int]
    ) -> list[NDArray[Any]]:
        """Edit each image under its own prompt and seed.

        Returns:
            [size, size, 3] float32 in [0, 1] each.

        Raises:
            UserError: one image alone does not fit in memory.
        """
        self.check(prompts)
        items = list(zip(images, prompts, seeds, strict=True))
        branches = [branch_count(*self._scales(style)) for style in prompts]
        try:
            return in_batches(
                self._edit_batch, items, branches, lambda: self.largest_batch, self._shrink
            )
        except OutOfMemory as error:
            raise self._too_big() from error

    def _too_big(self) -> UserError:
        return UserError(
            f"out of memory editing one image at {self._chosen['size']} px on {self._device}; "
            "use --edit-size 256, --precision fp16, or a device with more memory; the edits that "
            "were finished are kept."
        )

    def _shrink(self, size: int) -> None:
        self._fitting = size

    def _edit_batch(self, items: Sequence[Item]) -> list[NDArray[Any]]:
        """Edit images that need equally many branches."""
        networks, chosen = self._load(), self._chosen
        count = len(items)
        if chosen["compile"]:  # for one batch shape: the last batch is filled up
            items = [*items, *[items[-1]] * (self.largest_batch - count)]
        styles = [style for _, style, _ in items]
        scales = [self._scales(style) for style in styles]
        batch = Batch(
            images=networks.coder.encode([image for image, _, _ in items]),
            positive=torch.stack([self._text(style.text) for style in styles]),
            negative=torch.stack([self._text(style.negative) for style in styles]),
            guidance=[text for text, _ in scales],
            image_guidance=[image for _, image in scales],
            seeds=[seed for _, _, seed in items],
            branches=branch_count(*scales[0]),
        )
        scheduler = make_scheduler(chosen["scheduler"], networks.scheduler, chosen["steps"])
        latents = denoise(networks.unet, scheduler, chosen["steps"], batch)
        return list(networks.coder.decode(latents[:count]))

    def _scales(self, style: Style) -> tuple[float, float]:
        text = self._chosen["guidance"] if style.guidance is None else style.guidance
        image = style.image_guidance
        return text, self._chosen["image_guidance"] if image is None else image

    def _text(self, text: str) -> torch.Tensor:
        """The condition [L, D] of a prompt; all that are known are encoded with the first."""
        if text not in self._texts:
            missing = sorted((self._wanted | {text}) - self._texts.keys())
            dtype = self._load().dtype
            self._texts |= encode_texts(
                self._folder, missing, self._device, dtype, allow_pickle=self._pickle
            )
            if self._device.type == "cuda":
                torch.cuda.empty_cache()
        return self._texts[text]

    def _load(self) -> Networks:
        if self._networks is None:
            self._networks = load_networks(
                self._folder, self._chosen, self._device, allow_pickle=self._pickle
            )
        return self._networks

    def _grey_edit(self, steps: int = 1) -> None:
        """One edit of nothing in particular, with three branches."""
        side = self._chosen["size"]
        self._greys += 1  # another grey each time: latents of images are kept
        grey = np.full((side, side, 3), self._greys % 256, dtype=np.uint8)
        kept, self._chosen = self._chosen, {**self._chosen, "steps": steps}
        fitting, self._fitting = self._fitting, 1
        try:
            self._edit_batch([(grey, Style("grey", "grey", ""), 0)])
        except Exception as error:
            if is_out_of_memory(error):
                raise self._too_big() from error
            raise
        finally:
            self._chosen, self._fitting = kept, fitting

    def seconds_per_edit(self) -> float | None:
        """From a few steps on this CPU; None on a GPU, where three edits are soon made."""
        return self._seconds if self.slow else None

    @cached_property
    def _seconds(self) -> float:
        logger.info("timing a few steps of %s on this CPU", self.name)
        self._grey_edit()  # loads
        # A cycle of deep reuse is the unit: its steps do not cost the same.
        cycle = self._chosen["reuse"]
        once, twice = (
            min(self._timed(cycles * cycle) for _ in range(_REPEATS)) for cycles in (1, 2)
        )
        return once + max(twice - once, 0.0) * (self._chosen["steps"] / cycle - 1)

    def _timed(self, steps: int) -> float:
        started = time.perf_counter()
        self._grey_edit(steps)
        return time.perf_counter() - started

    def faster(self) -> InstructPix2PixEditor | None:
        """The same editor with --fast; None where it has it."""
        options = self._request.options
        if options.fast:
            return None
        return InstructPix2PixEditor(replace(self._request, options=replace(options, fast=True)))


def is_ready(device: str) -> bool:
    """Whether a GPU and the published weights are there, without asking the hub."""
    if not torch.cuda.is_available() or device == "cpu":
        return False
    try:
        from diffusers import UNet2DConditionModel  # noqa: F401
        from huggingface_hub import try_to_load_from_cache
    except ImportError:
        return False
    files = ("model_index.json", "unet/diffusion_pytorch_model.safetensors")
    return all(isinstance(try_to_load_from_cache(PIX2PIX, file), str) for file in files)
