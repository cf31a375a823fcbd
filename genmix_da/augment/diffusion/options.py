"""What a user can ask of an editor; what is not given stays as the editor publishes it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from genmix_da.errors import UserError, did_you_mean, or_did_you_mean

SCHEDULERS = ("euler-a", "euler", "dpm++", "unipc", "ddim", "lcm")
PRECISIONS = ("fp32", "fp16", "bf16")
ATTENTIONS = ("sdpa", "plain")

# --fast: values that stand where the user gave none. docs/editors.md says what each costs.
FAST: Mapping[str, Any] = {
    "steps": 20,
    "scheduler": "dpm++",
    "size": 256,
    "reuse": 3,
    "channels_last": True,
}

# The latents of every kind of pipeline divide this side.
_SIDES = 64


@dataclass(frozen=True, kw_only=True)
class EditorOptions:
    """Options of editors, all but the style's of diffusion; None: the editor's own default.

    Attributes:
        steps: denoising steps.
        scheduler: one of SCHEDULERS.
        guidance: text guidance scale, 1 or more.
        image_guidance: image guidance scale, 1 or more.
        size: side of the square the editor works on, in pixels, a multiple of 8.
        precision: "fp32", "fp16" or "bf16".
        reuse: a full UNet call every `reuse` steps; 1: every step (exact).
        tiny_vae: hub name or folder of an AutoencoderTiny to use instead of the VAE.
        channels_last: memory format of the networks.
        compile: compile the UNet for one batch shape.
        attention: "sdpa" (torch's scaled-dot-product kernels) or "plain".
        batch: images of one call; None: as many as fit in memory.
        fast: FAST for all that is not given.
        allow_pickle: accept weights that are not safetensors.
        yes: edit on a CPU however long it takes.
        style_strength: in (0, 1]: how far style transfer goes to the style of the picture.
        target_styled: style pictures are images of the target; the editor is named so.
        edit_size: longest side of edits that was asked for; see `for_diffusion`.
    """

    steps: int | None = None
    scheduler: str | None = None
    guidance: float | None = None
    image_guidance: float | None = None
    size: int | None = None
    precision: str | None = None
    reuse: int | None = None
    tiny_vae: str | None = None
    channels_last: bool | None = None
    compile: bool | None = None
    attention: str | None = None
    batch: int | None = None
    fast: bool = False
    allow_pickle: bool = False
    yes: bool = False
    style_strength: float | None = None
    target_styled: bool = False
    edit_size: int | None = None

    def __post_init__(self) -> None:
        for option, value, least in (
            ("--steps", self.steps, 1),
            ("--size", self.size, 64),
            ("--reuse", self.reuse, 1),
            ("--edit-batch", self.batch, 1),
        ):
            if value is not None and value < least:
                raise UserError(f"{option} is {value}; it must be at least {least}.")
        if self.size is not None and self.size % 8:
            raise UserError(f"--size is {self.size}; it must be a multiple of 8.")
        for option, scale in (
            ("--guidance", self.guidance),
            ("--image-guidance", self.image_guidance),
        ):
            if scale is not None and not (math.isfinite(scale) and scale >= 1):
                raise UserError(f"{option} is {scale}; it must be 1 or more.")
        if self.style_strength is not None and not 0 < self.style_strength <= 1:
            raise UserError(f"--style-strength is {self.style_strength}; it must be in (0, 1].")
        for option, name, known in (
            ("--scheduler", self.scheduler, SCHEDULERS),
            ("--precision", self.precision, PRECISIONS),
            ("--attention", self.attention, ATTENTIONS),
        ):
            if name is not None and name not in known:
                hint = did_you_mean(name, known)
                raise UserError(f"no {option} {name!r}; {hint}Choose from {', '.join(known)}.")

    def given(self) -> dict[str, Any]:
        """The values that decide results and were given, those of --fast among them."""
        own = dataclasses.asdict(self)
        for aside in ("fast", "allow_pickle", "yes", "edit_size"):
            own.pop(aside)
        if not own["target_styled"]:
            own.pop("target_styled")
        chosen = {key: value for key, value in own.items() if value is not None}
        return (dict(FAST) if self.fast else {}) | chosen

    def for_diffusion(self) -> dict[str, Any]:
        """The same for an editor that diffuses, which works at the size its edits are to have.

        Where `size` is not given: `edit_size`, up to the next multiple of 64; with `fast` at most
        the side that goes with it.
        """
        given = self.given()
        if self.size is None and self.edit_size is not None:
            side = -(-self.edit_size // _SIDES) * _SIDES
            given["size"] = min(side, FAST["size"]) if self.fast else side
        return given


def build_options(values: Mapping[str, Any]) -> EditorOptions:
    """Options from plain values, as a configuration file holds them.

    Raises:
        UserError: an unknown key (the nearest is suggested), or a value of the wrong kind.
    """
    kinds: dict[str, type] = {
        **dict.fromkeys(("steps", "size", "reuse", "batch"), int),
        **dict.fromkeys(("guidance", "image_guidance", "style_strength"), float),
        **dict.fromkeys(("scheduler", "precision", "tiny_vae", "attention"), str),
        **dict.fromkeys(("channels_last", "compile", "fast", "allow_pickle", "yes"), bool),
        "target_styled": bool,
    }
    read: dict[str, Any] = {}
    for key, value in values.items():
        if key not in kinds:
            hint = or_did_you_mean(key, kinds)
            raise UserError(f"unknown option {key!r} of an editor{hint}")
        if value is None:
            continue
        kind = kinds[key]
        number = kind in (int, float) and isinstance(value, int | float)
        if isinstance(value, bool) != (kind is bool) or not (number or isinstance(value, kind)):
            raise UserError(f"option {key} of an editor cannot be {value!r}.")
        if kind is int and value != int(value):
            raise UserError(f"option {key} of an editor must be a whole number.")
        read[key] = kind(value)
    return EditorOptions(**read)
