"""Training augmentations behind one interface. Adding one is one class and one line here.

Other packages bring theirs as entry points, see `genmix_da.plugins`.

Importing this costs next to nothing: a method's module, and torch with it, comes in when the method
is made.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from genmix_da.classify.augmentations.base import Augmentation, Setup
from genmix_da.errors import UserError, check_name, did_you_mean
from genmix_da.plugins import Registry


def _accepted(name: str, found: Any) -> type[Augmentation]:
    """An augmentation of another package.

    Raises:
        TypeError, ValueError: it is none, or of another name.
    """
    if not (isinstance(found, type) and issubclass(found, Augmentation)):
        raise TypeError("it is no subclass of genmix_da.classify.augmentations.Augmentation")
    if found.name != name:
        raise ValueError(f"its class is named {found.name!r}; the two names have to be the same")
    return found


# Name -> module in this package and class; the class itself where another package brings it.
_OWN: dict[str, str | type[Augmentation]] = {
    "none": "base:Augmentation",
    "mixup": "torchvision_mixing:Mixup",
    "cutmix": "torchvision_mixing:Cutmix",
    "manifold-mixup": "manifold_mixup:ManifoldMixup",
    "resizemix": "resizemix:Resizemix",
    "fmix": "fmix:Fmix",
    "gridmix": "gridmix:Gridmix",
    "smoothmix": "smoothmix:Smoothmix",
    "saliencymix": "saliencymix:Saliencymix",
    "automix": "automix:Automix",
    "adautomix": "adautomix:Adautomix",
    "guidedmixup": "guidedmixup:Guidedmixup",
    "snapmix": "snapmix:Snapmix",
    "puzzlemix": "puzzlemix:Puzzlemix",
    "comixup": "comixup:Comixup",
    "stylemix": "stylemix:Stylemix",
    "random-erasing": "random_erasing:RandomErasing",
    "randaugment": "policies:Randaugment",
    "autoaugment": "policies:Autoaugment",
    "trivialaugment": "policies:Trivialaugment",
    "augmix": "policies:Augmix",
    "pixmix": "pixmix:Pixmix",
    "ipmix": "ipmix:Ipmix",
    "diffusemix": "generative:Diffusemix",
    "genmix": "generative:Genmix",
}
AUGMENTATIONS: Registry[str | type[Augmentation]] = Registry("augmentations", _OWN, _accepted)

# The methods that change the training set, and the fields of AugmentSettings that each fixes.
# DiffuseMix (Islam et al., CVPR 2024) keeps every edit and joins halves at a hard seam.
GENMIX_PRESETS: dict[str, dict[str, Any]] = {
    "genmix": {},
    "diffusemix": {
        "features": "off",
        "masks": ["vertical", "horizontal", "vertical-flipped", "horizontal-flipped"],
        "seam_width": 0.0,
        "fractal_lambda": 0.2,
    },
}

__all__ = [
    "AUGMENTATIONS",
    "GENMIX_PRESETS",
    "Augmentation",
    "Setup",
    "acts_inside",
    "augmentation_settings",
    "find_augmentation",
    "make_augmentation",
    "overruled",
    "required_options",
]

_KINDS: dict[str, Any] = {"float": float, "int": int, "str": str, "str | None": str, "bool": bool}


def overruled(name: str, given: Mapping[str, Any]) -> list[str]:
    """Settings of GenMix that a method fixes and that were given otherwise.

    Args:
        name: of the method.
        given: fields of AugmentSettings.
    """
    fixed = GENMIX_PRESETS.get(name, {})
    return [key for key, value in fixed.items() if key in given and given[key] != value]


def find_augmentation(name: str) -> type[Augmentation]:
    """The class of a method.

    Raises:
        UserError: there is none of this name (the nearest is suggested).
    """
    check_name("augmentation", name, AUGMENTATIONS)
    held = AUGMENTATIONS[name]
    if not isinstance(held, str):
        return held
    module, _, kind = held.partition(":")
    found: type[Augmentation] = getattr(import_module(f"{__name__}.{module}"), kind)
    return found


def required_options(kind: type[Augmentation]) -> list[str]:
    """The options of a method that have no default."""
    none = dataclasses.MISSING
    return [
        each.name
        for each in dataclasses.fields(kind)
        if each.init and each.default is none and each.default_factory is none
        if each.name != "setup"
    ]


def make_augmentation(
    name: str, setup: Setup, options: Mapping[str, Any] | None = None
) -> Augmentation:
    """A method, ready to use.

    Args:
        name: a key of AUGMENTATIONS.
        setup: of the run.
        options: of the method, its dataclass fields; text is converted.

    Raises:
        UserError: unknown name or option (the nearest is suggested), a value that does not fit, an
            option that has no default and is not given, or what another package's augmentation
            raises.
    """
    kind = find_augmentation(name)
    with AUGMENTATIONS.blamed(name):
        return kind(setup=setup, **_checked(kind, options or {}))


def augmentation_settings(name: str, options: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The resolved settings that a run with these options has, without its setup.

    Raises:
        UserError: see `make_augmentation`.
    """
    return _anywhere(name, options).settings


def acts_inside(name: str, options: Mapping[str, Any] | None = None) -> bool:
    """See `Augmentation.acts_inside`.

    Raises:
        UserError: see `make_augmentation`.
    """
    return _anywhere(name, options).acts_inside


def _anywhere(name: str, options: Mapping[str, Any] | None) -> Augmentation:
    """A method in no run."""
    from lead.views import Preprocessing

    return make_augmentation(name, Setup(224, 2, Preprocessing()), options)


def _checked(kind: type[Augmentation], options: Mapping[str, Any]) -> dict[str, Any]:
    """Options by the types of the method's fields."""
    types = {f.name: str(f.type) for f in dataclasses.fields(kind) if f.name != "setup"}
    values = {}
    for key, value in options.items():
        if key not in types:
            hint = did_you_mean(key, types)
            known = f"It has: {', '.join(types)}." if types else "It has none."
            between = "; " if hint else ". "
            raise UserError(f"{kind.name} has no option {key!r}{between}{hint}{known}")
        values[key] = _converted(f"{kind.name}: {key}", value, types[key])
    missing = [key for key in required_options(kind) if key not in values]
    if missing:
        raise UserError(
            f"{kind.name} needs {' and '.join(missing)}: give --augment-option KEY=VALUE, in a "
            f"table --methods '{kind.name}:KEY=VALUE;...'; see docs/classification.md."
        )
    return values


def _converted(what: str, value: Any, kind: str) -> Any:
    """A value in the type of its field."""
    if value is None and "None" in kind:
        return None
    try:
        if kind == "bool":
            if not isinstance(value, bool):
                raise ValueError("neither true nor false")
            return value
        if value is None:
            raise UserError(f"{what} is empty.")
        if isinstance(value, bool):
            raise ValueError("not a number or text")
        converted = _KINDS[kind](value)
        if kind == "int" and converted != float(value):
            raise ValueError("not a whole number")
    except (TypeError, ValueError, OverflowError) as error:
        raise UserError(f"{what} cannot be {value!r}.") from error
    return converted
