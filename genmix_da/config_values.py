"""From options and a YAML file to the fields of a configuration: unknown keys, kinds, ranges.

What `AdaptConfig` and `ClassifyConfig` share. A configuration is a frozen dataclass whose fields
are of the kinds below, or of one of them or None.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml

from genmix_da.errors import UserError, or_did_you_mean
from genmix_da.places import expanded, is_url, place_name, user_path
from genmix_da.stores.copies import fetch

Config = TypeVar("Config")

AUTO = "auto"  # of --grey-range
FULL = "full"


def fraction(value: Any) -> float:
    """A number, also as a fraction in text: "8/255" is 8 / 255.

    Raises:
        ValueError: it is neither.
    """
    above, slash, below = str(value).partition("/")
    try:
        return float(above) / float(below) if slash else float(value)
    except ZeroDivisionError as error:
        raise ValueError("division by zero") from error


def fractions(value: Any) -> tuple[float, ...]:
    """Several of them: a list, or text with commas between."""
    parts = value.split(",") if isinstance(value, str) else value
    return tuple(fraction(part) for part in parts if str(part).strip())


def number_or_name(value: Any) -> float | str:
    """A number where it reads as one, else the text."""
    try:
        return float(value)
    except ValueError:
        return str(value).strip()


def text(value: Any) -> str:
    """Text; a path in it may begin with ~."""
    return expanded(str(value))


# Field type -> the Python types a value of it may have, how to convert it, what to call it.
_KINDS: dict[str, tuple[tuple[type, ...], Callable[[Any], Any], str]] = {
    "str": ((str, int, os.PathLike), text, "text"),
    "int": ((int,), int, "a whole number"),
    "float": ((int, float, str), fraction, "a number"),  # YAML reads 1e-3 as text
    "float | str": ((int, float, str), number_or_name, "a number or the name of a rule"),
    "bool": ((bool,), bool, "true or false"),
    "dict[str, Any]": ((dict,), dict, "a mapping"),
    "tuple[float, ...]": ((list, tuple, str, float), fractions, "numbers with commas between"),
}


def build(
    kind: type[Config],
    options: Mapping[str, Any],
    file: str | Path | None,
    *,
    recorded: Collection[str],
    required: Mapping[str, str],
) -> Config:
    """Join given options (None = not given) with a configuration file.

    Args:
        kind: the configuration's class.
        options: from the command line or Python.
        file: YAML with fields of `kind`; the options win over it.
        recorded: keys of a run folder's config.yaml that are no settings.
        required: field -> what to say where it is missing.

    Raises:
        UserError: unknown key (the nearest is suggested), a value of the wrong kind, unreadable
            file, a required field that is missing.
    """
    values = read_config(file, recorded) if file is not None else {}
    for key, value in options.items():
        if isinstance(value, Mapping) and isinstance(values.get(key), Mapping):
            values[key] = {**values[key], **value}
        elif value not in (None, {}):
            values[key] = value
    known = {item.name: str(item.type) for item in dataclasses.fields(kind)}  # type: ignore[arg-type]
    for key in values:
        if key not in known:
            raise UserError(f"unknown setting {key!r}{or_did_you_mean(key, known)}")
    weights = values.get("weights")
    if isinstance(weights, str | os.PathLike) and is_url(weights):
        values["weights"] = fetch(user_path(weights))
    for key, sentence in required.items():
        if values.get(key) is None:
            raise UserError(sentence)
    return kind(**{key: _converted(key, known[key], values[key]) for key in values})


def _converted(name: str, kind: str, value: Any) -> Any:
    """The value as its field wants it."""
    if value is None and kind.endswith(" | None"):
        return None
    accepted, convert, wanted = _KINDS[kind.removesuffix(" | None")]
    # True is an int to Python, but no number to a user.
    if isinstance(value, accepted) and (bool in accepted or not isinstance(value, bool)):
        try:
            return convert(value)
        except (TypeError, ValueError, OverflowError):
            pass
    raise UserError(f"{name} is {value!r}; it must be {wanted}.")


def read_config(place: str | Path, recorded: Collection[str]) -> dict[str, Any]:
    """The settings in a YAML file.

    Args:
        place: of `key: value` lines.
        recorded: keys to leave out: a run folder's config.yaml can be run again, and holds more
            than the settings.

    Raises:
        UserError: it cannot be read.
    """
    file = fetch(user_path(place))
    try:
        content = load_yaml(file.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"cannot read the configuration {place_name(file)}: {error}") from error
    if not isinstance(content, dict):
        raise UserError(f"the configuration {place_name(file)} must hold 'key: value' lines.")
    return {key: value for key, value in content.items() if key not in recorded}


class _Strict(yaml.SafeLoader):
    """YAML in which no key stands twice: plain YAML takes the last one and drops the others."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, str | int | float | bool | None):
                if key in seen and key_node.tag != "tag:yaml.org,2002:merge":
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key {key!r} stands twice", key_node.start_mark
                    )
                seen.add(key)
        return super().construct_mapping(node, deep=deep)


def load_yaml(text: str) -> Any:
    """The content of a YAML text, of plain values.

    Raises:
        yaml.YAMLError: it is no YAML, a key stands twice in one mapping, or a value can't be: the
            13th month, a number of thousands of digits, brackets in a thousand brackets.
    """
    try:
        return yaml.load(text, Loader=_Strict)
    except (ValueError, OverflowError, RecursionError) as error:
        raise yaml.YAMLError(f"a value cannot be read ({error})") from error


def check_grey_range(choice: str) -> tuple[float, float] | None:
    """The numbers of a --grey-range; None for "auto" and "full".

    Raises:
        UserError: it is none of "auto", "full" and "MIN,MAX".
    """
    if choice in (AUTO, FULL):
        return None
    try:
        black, white = (float(number) for number in choice.split(","))
    except ValueError:
        black = white = math.nan
    if not -math.inf < black < white < math.inf:
        raise UserError(
            f"no grey range {choice!r}; give auto, full, or MIN,MAX with MIN below MAX, e.g. "
            "0,4095. Check --grey-range."
        )
    return black, white


def flag(name: str) -> str:
    """How the command line spells a setting."""
    return "--" + name.replace("_", "-")


def check_choices(
    config: Any, choices: Mapping[str, tuple[str, ...]], spelled: Callable[[str], str] = flag
) -> None:
    """Every named field has one of its values.

    Args:
        config: with these fields.
        choices: field -> its values.
        spelled: a field as it was asked for.

    Raises:
        UserError: one has not.
    """
    for name, known in choices.items():
        if getattr(config, name) not in known:
            raise UserError(
                f"{spelled(name)} is {getattr(config, name)!r}; choose one of {', '.join(known)}."
            )


# What no machine holds is refused before anything is decoded.
_LARGEST = {"image_size": 8192, "bottleneck_dim": 65_536, "lr": 1e38, "source_lr": 1e38}


def check_positive(config: Any, names: Iterable[str], spelled: Callable[[str], str] = flag) -> None:
    """Every named field is finite and above 0, or None.

    Args:
        config: with these fields.
        names: of them.
        spelled: a field as it was asked for.

    Raises:
        UserError: one is not.
    """
    for name in names:
        value = getattr(config, name)
        if value is not None and not 0 < value < math.inf:
            raise UserError(f"{spelled(name)} is {value}; it must be above 0 and finite.")
        if value is not None and value > _LARGEST.get(name, math.inf):
            raise UserError(f"{spelled(name)} is {value}; it must be at most {_LARGEST[name]}.")


def check_not_below_zero(config: Any, name: str) -> None:
    """A field is finite and 0 or more, or None.

    Raises:
        UserError: it is not.
    """
    value = getattr(config, name)
    if value is not None and not 0 <= value < math.inf:
        raise UserError(f"{flag(name)} is {value}; it must be 0 or more.")


def check_seed(seed: int, option: str = "--seed") -> None:
    """A seed is 0 or more.

    Raises:
        UserError: it is not.
    """
    if seed < 0:
        raise UserError(f"{option} is {seed}; it must be 0 or more.")


def check_training(config: Any) -> None:
    """Batch size, label smoothing and seed, which every training has, are in range.

    Raises:
        UserError: one is not.
    """
    # Batch norm has nothing to normalise in a batch of one.
    if config.batch_size is not None and config.batch_size < 2:
        raise UserError(f"--batch-size is {config.batch_size}; it must be at least 2.")
    if not 0 <= config.label_smoothing < 1:
        raise UserError(f"--label-smoothing is {config.label_smoothing}; it must be in [0, 1).")
    check_seed(config.seed)


def identity(values: Mapping[str, Any]) -> str:
    """Hash of resolved values: 16 hexadecimal digits, the same for the same run."""
    text = json.dumps(values, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
