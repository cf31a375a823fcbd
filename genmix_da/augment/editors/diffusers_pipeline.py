"""Other editing models, through diffusers' own pipelines: `--editor diffusers:MODEL`.

model_index.json says which pipeline a model is; `families` says how that one is called. Nothing of
a pipeline's arithmetic is done here. No safety checker is run. Images are resized to a square for
the network, as everywhere in this toolkit.

An image's edit depends on the image, prompt and seed; what else is in its batch moves it by
rounding only. In half precision rounding grows over the steps, so a batch size that was asked for
is part of the cache key there.
"""

from __future__ import annotations

import inspect
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from genmix_da.augment.diffusion.folder import folder_identity
from genmix_da.augment.diffusion.latents import square
from genmix_da.augment.diffusion.loading import INSTALL
from genmix_da.augment.diffusion.memory import OutOfMemory, in_batches
from genmix_da.augment.editors.base import Editor, Pixels, Request, refuse_pictures
from genmix_da.augment.editors.families import family_of
from genmix_da.augment.editors.families.base import OWN_SCHEDULER, fewest_steps, steps_taken
from genmix_da.augment.editors.families.loading import (
    chosen_scheduler,
    components_of,
    find_index,
    find_pipeline,
    load_pipeline,
    quiet,
)
from genmix_da.augment.prompts import Style
from genmix_da.device import resolve_device
from genmix_da.errors import UserError

logger = logging.getLogger(__name__)

Item = tuple[Pixels, Style, int]


class PipelineEditor:
    """See `Editor`.

    Args:
        request: model, options and device.

    Raises:
        UserError: no model named, not found, a pipeline of an unknown kind, an option that its kind
            does not take, weights in pickle form, or a device that is not there.
    """

    name = "diffusers"
    stand_in = False

    def __init__(self, request: Request) -> None:
        if request.model is None:
            raise UserError(
                "the diffusers editor needs a model; give --editor diffusers:MODEL with a hub name "
                "or a folder."
            )
        self._device = resolve_device(request.device)
        self._pickle = request.options.allow_pickle
        index = find_index(request.model)
        self._family = family_of(index, request.model)
        gpu = self._device.type == "cuda"
        self._chosen = self._family.resolve(request.options, gpu=gpu)
        self._batch: int | None = self._chosen.pop("batch")
        self.slow = self._device.type == "cpu"
        self._fitting = self._batch or (self._family.largest_batch if gpu else 1)
        self.native_size: int | None = self._chosen["size"]
        self._components = components_of(index, self._family)
        self._folder = find_pipeline(request.model, self._components, allow_pickle=self._pickle)
        if self._chosen["scheduler"] != OWN_SCHEDULER:
            chosen_scheduler(self._folder, self._chosen)  # or refuse
        self._pipeline: Any = None

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """Everything that decides results; the model by the hash of its files."""
        settings = self._chosen | {
            "pipeline": self._family.pipeline,
            "family": self._family.name,
            "model": folder_identity(self._folder, self._components),
        }
        if settings["precision"] != "fp32" and self._family.batches:
            settings["batch"] = self._batch
        return settings

    @property
    def largest_batch(self) -> int:
        """As asked for; else 1 on a CPU, and the family's number, or what memory left of it."""
        return self._fitting

    def faster(self) -> Editor | None:
        """None: --fast is for InstructPix2Pix."""
        return None

    def check(self, styles: Sequence[Style]) -> None:
        """Refuse what of a style this kind of pipeline would pass over in silence."""
        refuse_pictures(self.name, styles)
        kind, defaults = self._family.pipeline, self._family.defaults
        for style in styles:
            for key in ("guidance", "image_guidance"):
                scale = getattr(style, key)
                if scale is not None and key not in defaults:
                    raise UserError(f"style {style.name!r} has {key}, which {kind} does not take.")
                if scale is not None and scale < 1:
                    raise UserError(
                        f"style {style.name!r} has {key} {scale}; it must be 1 or more."
                    )
            if style.negative and not self._family.negative:
                raise UserError(
                    f"style {style.name!r} has a negative prompt; {kind} takes none here, leave it "
                    "out."
                )
            if style.negative and self._scales(style)["guidance"] <= 1:
                raise UserError(
                    f"the negative prompt of style {style.name!r} has no effect at guidance 1; "
                    "leave it out, or raise --guidance where the model was trained for it."
                )

    def edit(
        self, images: Sequence[Pixels], prompts: Sequence[Style], seeds: Sequence[int]
    ) -> list[NDArray[Any]]:
        """Edit each image under its own prompt and seed.

        Returns:
            [size, size, 3] float32 in [0, 1] each; NaN where the networks left the numbers.

        Raises:
            UserError: one image alone does not fit in memory.
        """
        self.check(prompts)
        items = list(zip(images, prompts, seeds, strict=True))
        # A call has one scale for all its images, and negative prompts for all or for none.
        kinds = [(*self._scales(style).values(), bool(style.negative)) for style in prompts]
        try:
            return in_batches(self._call, items, kinds, lambda: self._fitting, self._shrink)
        except OutOfMemory as error:
            raise UserError(
                f"out of memory editing one image at {self._chosen['size']} px on {self._device}; "
                f"use a smaller --edit-size, --precision {self._family.half}, or a device with "
                "more memory; what was finished is kept."
            ) from error

    def _shrink(self, size: int) -> None:
        self._fitting = size

    def _scales(self, style: Style) -> dict[str, float]:
        """The style's guidance scales, those that the family has."""
        scales: dict[str, float] = {}
        for key in ("guidance", "image_guidance"):
            if key in self._family.defaults:
                own = getattr(style, key)
                scales[key] = self._chosen[key] if own is None else own
        return scales

    def _call(self, items: Sequence[Item], steps: int | None = None) -> list[NDArray[Any]]:
        """Run the pipeline once, on images of the same scales."""
        family, size = self._family, self._chosen["size"]
        styles = [style for _, style, _ in items]
        scales = self._scales(styles[0])
        values = self._chosen | scales | ({} if steps is None else {"steps": steps})
        each: dict[str, list[Any]] = {
            "image": [Image.fromarray(square(image, size)) for image, _, _ in items],
            "prompt": [style.text for style in styles],
            # On the CPU, so that a seed means the same on every device.
            "generator": [torch.Generator().manual_seed(seed) for _, _, seed in items],
        }
        negatives = [style.negative or family.empty_negative for style in styles]
        if family.negative and scales["guidance"] > 1 and negatives[0] is not None:
            each["negative_prompt"] = negatives
        arguments = {key: value if family.batches else value[0] for key, value in each.items()}
        arguments |= family.fixed
        arguments |= family.sized(size)
        arguments |= {name: values[key] for key, name in family.arguments.items()}
        arguments["output_type"] = "np"
        pipeline = self._load()
        _refuse_unknown(family.pipeline, pipeline.__call__, arguments)
        with quiet():
            edited = pipeline(**arguments).images
        return list(np.asarray(edited, dtype=np.float32))

    def _load(self) -> Any:
        if self._pipeline is None:
            self._pipeline = load_pipeline(
                self._folder,
                self._family,
                self._components,
                self._chosen,
                self._device,
                allow_pickle=self._pickle,
            )
        return self._pipeline

    def seconds_per_edit(self) -> float | None:
        """From one and two steps on this CPU; None on a GPU, where trying is cheap."""
        return self._seconds if self.slow else None

    @cached_property
    def _seconds(self) -> float:
        self._load()
        once, twice = (self._timed(fewest_steps(self._chosen, taken)) for taken in (1, 2))
        return once + max(twice - once, 0.0) * (steps_taken(self._chosen) - 1)

    def _timed(self, steps: int) -> float:
        side = self._chosen["size"]
        grey = np.full((side, side, 3), 128, dtype=np.uint8)
        started = time.perf_counter()
        self._call([(grey, Style("grey", "grey", "grey"), 0)], steps)
        return time.perf_counter() - started


def _refuse_unknown(kind: str, call: Callable[..., Any], arguments: Mapping[str, Any]) -> None:
    """Refuse arguments that a pipeline does not name: some swallow them through **kwargs.

    Raises:
        UserError: naming the first.
    """
    parameters = inspect.signature(call).parameters
    named = {key for key, p in parameters.items() if p.kind is not inspect.Parameter.VAR_KEYWORD}
    unknown = [key for key in arguments if key not in named]
    if unknown:
        raise UserError(
            f"the installed diffusers' {kind} takes no argument {unknown[0]!r}; update it: "
            f"{INSTALL.replace('install', 'install -U')}."
        )
