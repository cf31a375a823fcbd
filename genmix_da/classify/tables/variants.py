"""Rows of a table: methods with other settings than the common ones, and the paper's ablations.

A row is typed NAME or NAME:key=value;key=value. Lists are joined with +, e.g.
"genmix:masks=vertical+horizontal;lambda=0.1", because commas part the rows.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from genmix_da.augment.settings import AugmentSettings
from genmix_da.classify.augmentations import GENMIX_PRESETS, find_augmentation
from genmix_da.classify.config import ClassifyConfig
from genmix_da.config_values import load_yaml
from genmix_da.errors import UserError, check_name, or_did_you_mean

# As options of the command line are called -> as the settings are.
_ALIASES = {"lambda": "fractal_lambda", "edit_size": "size"}
# "flipped" as in the paper's table of masks: both seams with edit and original exchanged.
_MASK_GROUPS = {"flipped": ("vertical-flipped", "horizontal-flipped"), "none": ()}
_GENMIX_FIELDS = tuple(item.name for item in dataclasses.fields(AugmentSettings))

# The paper's rows, in its order; "none" is in each, so that overhead and difference have a base.
ABLATIONS: dict[str, tuple[str, ...]] = {
    "masks": (  # Table XII
        "none",
        "genmix:masks=vertical",
        "genmix:masks=vertical+horizontal",
        "genmix:masks=vertical+horizontal+flipped",
        "genmix:masks=vertical+horizontal+flipped+patchswap",
    ),
    # Without an edit there is nothing to join; every other combination is here.
    "components": (
        "none",
        "genmix:editor=original;masks=none",  # fractal
        "genmix:masks=none;lambda=0",  # edit
        "genmix:masks=none",  # edit, fractal
        "genmix:lambda=0",  # edit, join
        "genmix",  # edit, join, fractal
    ),
    "lambda": ("none", *(f"genmix:lambda={value}" for value in ("0", "0.1", "0.2", "0.3", "0.4"))),
    "seam-width": ("none", *(f"genmix:seam_width={value}" for value in (0, 10, 20, 40))),
}


@dataclass(frozen=True)
class Variant:
    """One row.

    Attributes:
        name: of the method, a key of AUGMENTATIONS.
        suffix: the settings as typed, ":key=value;..."; "" for the method as it is.
        genmix: settings of GenMix that it has instead of the common ones.
        options: of the method.
        mode: "offline" or "online" instead of the common one, or None.
    """

    name: str
    suffix: str = ""
    genmix: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    mode: str | None = None

    @property
    def text(self) -> str:
        """As typed."""
        return self.name + self.suffix

    def row(self, shown: str) -> str:
        """The row's name, from the name of what ran: "genmix[filters]" + ":masks=vertical".

        The editor, which that name has already, is left out; of files their last names are left.
        """
        parts = [part.strip() for part in self.suffix.lstrip(":").split(";") if part]
        kept = [_short(part) for part in parts if not part.startswith("editor=")]
        return shown + (":" + ";".join(kept) if kept else "")

    def changes(self, common: ClassifyConfig) -> dict[str, Any]:
        """Fields of a configuration that make it this row's."""
        return {
            "augment": self.name,
            "augment_options": dict(self.options),
            "genmix": {**common.genmix, **self.genmix},
            "augment_mode": self.mode or common.augment_mode,
        }


def parse_variants(text: str | None, ablation: str | None = None) -> tuple[Variant, ...]:
    """Rows in the order given: those typed, then those of an ablation that are not yet there.

    Args:
        text: of --methods; None where it was not given.
        ablation: a key of ABLATIONS, or several, parted by commas.

    Raises:
        UserError: an unknown method, setting or ablation (the nearest is suggested), a value that
            does not fit, a row that is typed twice, no row.
    """
    typed = [part.strip() for part in (text or "").split(",") if part.strip()]
    if len(set(typed)) < len(typed):
        raise UserError("--methods names a method twice.")
    for name in [part.strip() for part in (ablation or "").split(",") if part.strip()]:
        check_name("ablation", name, ABLATIONS)
        typed += ABLATIONS[name]
    if not typed:
        raise UserError("--methods is empty.")
    return tuple(_variant(part) for part in dict.fromkeys(typed))


def _variant(text: str) -> Variant:
    name, _, rest = text.partition(":")
    find_augmentation(name)
    genmix: dict[str, Any] = {}
    options: dict[str, Any] = {}
    mode = None
    for part in [part.strip() for part in rest.split(";") if part.strip()]:
        key, equals, value = part.partition("=")
        if not equals or not key or not value:
            raise UserError(f"--methods: {part!r} of {text!r} is not KEY=VALUE.")
        key = _ALIASES.get(key, key)
        if name not in GENMIX_PRESETS:
            options[key] = _value(part, value)
        elif key == "augment_mode":
            mode = value
        else:
            _check_key(name, key)
            genmix[key] = _masks(value) if key == "masks" else _value(part, value)
    suffix = ":" + ";".join(part.strip() for part in rest.split(";") if part.strip())
    found = Variant(name, suffix if rest else "", genmix, options, mode)
    # What is wrong with a value is said by the configuration, before anything runs.
    common = ClassifyConfig(data="", augment="none")
    dataclasses.replace(common, **found.changes(common))
    return found


def _short(part: str) -> str:
    """A setting whose value is a path, by its last name."""
    key, _, value = part.partition("=")
    return f"{key}={Path(value).name}" if "/" in value else part


def _check_key(name: str, key: str) -> None:
    if key not in _GENMIX_FIELDS:
        hint = or_did_you_mean(key, _GENMIX_FIELDS)
        raise UserError(f"--methods: {name} has no setting {key!r}{hint}")
    if key in GENMIX_PRESETS[name]:
        raise UserError(f"--methods: {name} fixes {key}; vary it with genmix:{key}=VALUE.")


def _value(part: str, text: str) -> Any:
    """A value as YAML reads it."""
    try:
        return load_yaml(text)
    except yaml.YAMLError as error:
        raise UserError(f"--methods: the value of {part!r} cannot be read.") from error


def _masks(text: str) -> list[str]:
    """Mask kinds that are joined with +, groups opened."""
    kinds = [kind.strip() for kind in text.split("+") if kind.strip()]
    return [one for kind in kinds for one in _MASK_GROUPS.get(kind, (kind,))]
