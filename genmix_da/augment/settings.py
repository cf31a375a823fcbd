"""The typed, frozen settings of an augmentation; saved with everything it makes."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from genmix_da.augment.blend import LAMBDA
from genmix_da.augment.diffusion.options import EditorOptions, build_options
from genmix_da.augment.faithful import RULES, SIGMAS
from genmix_da.augment.masks import MASK_KINDS, PATCHES, SEAM_WIDTH
from genmix_da.errors import UserError, or_did_you_mean

SIZE = 512
LARGEST = 8192  # as of the network's input


@dataclass(frozen=True, kw_only=True)
class AugmentSettings:
    """Settings of GenMix; defaults as published where the paper gives them.

    Attributes:
        prompts: "domain", "classification", a YAML file, or phrases separated by semicolons.
        editor: a key of EDITORS, "NAME:MODEL", a folder, or "auto"; see `make_editor`.
        editor_options: of diffusion editors, fields of EditorOptions.
        features: "auto", "dinov2", "backbone", a hub name or folder, or "off" (keep everything).
        rule: "all-pairs" (paper) or "same-class" (stricter).
        sigmas: k of mu - k * sigma.
        per_image: edits of each image, each of another style as long as there are styles.
        fractal_lambda: lambda of Eq. 5, share of the fractal.
        masks: mask kinds to draw from; empty: the edit alone, not joined.
        seam_width: b in pixels.
        patches: PatchSwap cells along each side.
        size: longest side of the working image and the output, in pixels; never enlarged. Another
            than SIZE is the side that diffusion editors work at as well.
        fractals: a folder of images to use instead of our own; None: our own.
        seed: of styles, edits, masks and fractals.
    """

    prompts: str = "domain"
    editor: str = "auto"
    editor_options: dict[str, Any] = field(default_factory=dict)
    features: str = "auto"
    rule: str = "all-pairs"
    sigmas: float = SIGMAS
    per_image: int = 2
    fractal_lambda: float = LAMBDA
    masks: tuple[str, ...] = MASK_KINDS
    seam_width: float = float(SEAM_WIDTH)
    patches: int = PATCHES
    size: int = SIZE
    fractals: str | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.masks, str):  # one kind, from Python
            object.__setattr__(self, "masks", (self.masks,))
        if self.rule not in RULES:
            raise UserError(f"no selection rule {self.rule!r}; choose one of {', '.join(RULES)}.")
        for kind in self.masks:
            if kind not in MASK_KINDS:
                raise UserError(f"no mask {kind!r}; choose from {', '.join(MASK_KINDS)}.")
        if not 0 <= self.fractal_lambda < 1:
            raise UserError(f"--lambda is {self.fractal_lambda}; it must be in [0, 1).")
        if not (math.isfinite(self.seam_width) and self.seam_width >= 0):
            raise UserError(f"--seam-width is {self.seam_width}; it must be 0 or more pixels.")
        if not 0 < self.sigmas < math.inf:
            raise UserError(f"--sigmas is {self.sigmas}; it must be above 0 and finite.")
        self.options()
        for option, value, least in (
            ("--per-image", self.per_image, 1),
            ("--patches", self.patches, 2),
            ("--edit-size", self.size, 16),
            ("--augment-seed", self.seed, 0),
        ):
            if value < least:
                raise UserError(f"{option} is {value}; it must be at least {least}.")
        if self.size > LARGEST:
            raise UserError(f"--edit-size is {self.size}; it must be at most {LARGEST}.")

    def options(self) -> EditorOptions:
        """The options of diffusion editors.

        Raises:
            UserError: an unknown one, or one out of range.
        """
        options = build_options(self.editor_options)
        return options if self.size == SIZE else dataclasses.replace(options, edit_size=self.size)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return dataclasses.asdict(self) | {"masks": list(self.masks)}


def settings_of(given: AugmentSettings | None) -> AugmentSettings:
    """Settings that Python was given; None: the defaults.

    Raises:
        UserError: something else.
    """
    if given is not None and not isinstance(given, AugmentSettings):
        raise UserError(f"settings are a {type(given).__name__}; give AugmentSettings(...).")
    return AugmentSettings() if given is None else given


def build_settings(values: Mapping[str, Any]) -> AugmentSettings:
    """Settings from plain values; those that are None keep their default.

    Raises:
        UserError: an unknown key (the nearest is suggested), or a value of the wrong kind.
    """
    given = {key: value for key, value in values.items() if value is not None}
    kinds: dict[str, Any] = {
        item.name: type(item.default) for item in dataclasses.fields(AugmentSettings)
    }
    kinds |= {"masks": list, "editor_options": dict}
    for key, value in given.items():
        if key not in kinds:
            raise UserError(f"unknown GenMix setting {key!r}{or_did_you_mean(key, kinds)}")
        try:
            if key == "masks":
                given[key] = (value,) if isinstance(value, str) else tuple(value)
            elif key != "fractals":
                given[key] = kinds[key](value)
                if kinds[key] is int and given[key] != float(value):
                    raise ValueError("not a whole number")
        except (TypeError, ValueError, OverflowError) as error:
            raise UserError(f"GenMix setting {key} cannot be {value!r}.") from error
    return AugmentSettings(**given)
