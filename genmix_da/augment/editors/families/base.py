"""What the editor has to know of a kind of pipeline, and a user's options resolved for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from genmix_da.augment.diffusion.options import EditorOptions
from genmix_da.errors import UserError

_FLAGS = {"batch": "--edit-batch", "size": "--edit-size"}
OWN_SCHEDULER = "own"


def by_height_and_width(size: int) -> dict[str, Any]:
    """Arguments of a pipeline that takes the size of its result as height and width."""
    return {"height": size, "width": size}


def by_image(size: int) -> dict[str, Any]:
    """No arguments: the result is as large as the image that goes in."""
    return {}


@dataclass(frozen=True, kw_only=True)
class Family:
    """How one kind of editing pipeline is called.

    Attributes:
        name: short, for records.
        pipeline: class in diffusers that is loaded.
        defaults: published settings: steps, size, and where the pipeline has them guidance,
            image_guidance and strength. A user may change those that are editor options.
        arguments: setting -> argument of the call.
        sized: arguments of the call that give the size, from the side in pixels.
        fixed: further arguments of every call.
        loading: further arguments of from_pretrained.
        skipped: components that no edit needs.
        multiple: what the side must be a multiple of.
        half: precision of the published weights, used on a GPU.
        batches: a list of images is a batch; False: it is several references of one result, or the
            pipeline takes one image only.
        largest_batch: images of a call on a GPU where the user names no number.
        scheduler: other samplers can take the place of the model's own.
        negative: it takes negative prompts.
        empty_negative: negative prompt where a style has none; None: the argument is left out.
        flagged: flag of model_index.json -> the family of models that carry it.
    """

    name: str
    pipeline: str
    defaults: Mapping[str, Any]
    arguments: Mapping[str, str]
    sized: Callable[[int], dict[str, Any]] = by_height_and_width
    fixed: Mapping[str, Any] = field(default_factory=dict)
    loading: Mapping[str, Any] = field(default_factory=dict)
    skipped: frozenset[str] = frozenset()
    multiple: int = 8
    half: str = "fp16"
    batches: bool = True
    largest_batch: int = 1
    scheduler: bool = False
    negative: bool = False
    empty_negative: str | None = None
    flagged: Mapping[str, Family] = field(default_factory=dict)

    @property
    def options(self) -> tuple[str, ...]:
        """The editor options that change something here."""
        known = {part.name for part in dataclasses.fields(EditorOptions)}
        own = [key for key in self.defaults if key in known]
        more = ["precision"]
        more += ["scheduler"] if self.scheduler else []
        more += ["batch"] if self.batches else []
        return (*own, *more)

    def resolve(self, options: EditorOptions, *, gpu: bool) -> dict[str, Any]:
        """The settings that decide results, and `batch` as it was asked for.

        Args:
            options: of the user.
            gpu: whether the networks run on one.

        Raises:
            UserError: an option that this kind of pipeline does not have, or a value it cannot
                work with.
        """
        given = options.for_diffusion()
        if not self.batches and given.get("batch") == 1:
            del given["batch"]
        unknown = ["--fast"] if options.fast else []
        unknown += [flag(key) for key in given if key not in self.options]
        if unknown:
            raise UserError(
                f"{self.pipeline} takes no {unknown[0]}; it takes "
                f"{', '.join(flag(key) for key in self.options)}."
            )
        chosen: dict[str, Any] = {
            **self.defaults,
            "precision": self.half if gpu else "fp32",
            "scheduler": OWN_SCHEDULER,
            "batch": None,
            **given,
        }
        if chosen["size"] % self.multiple:
            raise UserError(
                f"--size is {chosen['size']}; {self.pipeline} needs a multiple of {self.multiple}."
            )
        if steps_taken(chosen) < 1:
            raise UserError(
                f"--steps is {chosen['steps']}; {self.pipeline} takes a share of "
                f"{chosen['strength']} of them and needs {fewest_steps(chosen)} or more."
            )
        return chosen


def flag(option: str) -> str:
    """How the command line spells an editor option."""
    return _FLAGS.get(option, "--" + option.replace("_", "-"))


def steps_taken(chosen: Mapping[str, Any]) -> int:
    """Denoising steps that are run: image-to-image starts part of the way."""
    return int(chosen["steps"] * chosen.get("strength", 1.0))


def fewest_steps(chosen: Mapping[str, Any], taken: int = 1) -> int:
    """The value of --steps under which `taken` steps are run."""
    steps = taken
    while steps_taken({**chosen, "steps": steps}) < taken:
        steps += 1
    return steps
