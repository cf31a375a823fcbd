"""Editor options in one word, as `editors compare` names them: fast, dpm++20, euler-a50/fp16."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from genmix_da.augment.diffusion.options import (
    ATTENTIONS,
    PRECISIONS,
    SCHEDULERS,
    EditorOptions,
)
from genmix_da.errors import UserError, nearest_name

EXACT = "exact"
_FLAGS: Mapping[str, Mapping[str, Any]] = {
    EXACT: {},
    "fast": {"fast": True},
    "channels-last": {"channels_last": True},
    "compile": {"compile": True},
    **{name: {"attention": name} for name in ATTENTIONS},
    **{name: {"precision": name} for name in PRECISIONS},
}
_NUMBER = r"(\d+(?:\.\d+)?)"
# Patterns of parts with a number: what it sets, and how it is read.
_NUMBERED: tuple[tuple[str, str, type[int] | type[float]], ...] = (
    (r"(\d+)(?:steps?)?", "steps", int),
    (r"(\d+)px", "size", int),
    (r"reuse(\d+)", "reuse", int),
    (rf"g{_NUMBER}", "guidance", float),
    (rf"ig{_NUMBER}", "image_guidance", float),
)
# What is left of a part without its number -> an example of the part.
_EXAMPLES: Mapping[str, str] = {
    **{name: f"{name}20" for name in SCHEDULERS},
    "steps": "20steps",
    "px": "256px",
    "reuse": "reuse3",
    "g": "g7.5",
    "ig": "ig1",
    "tiny-vae=": "tiny-vae=MODEL",
}


def parse_variant(text: str) -> EditorOptions:
    """The options that a variant's name stands for.

    Parts are joined by "/": "exact" (the editor's published settings), "fast", a scheduler with or
    without its steps ("dpm++20", "ddim"), "20" or "20steps", "256px", "reuse3", "fp16", "g7.5"
    (text guidance), "ig1" (image guidance), "plain" or "sdpa" attention, "channels-last",
    "compile", and "tiny-vae=MODEL", which comes last because names of models hold slashes.

    Args:
        text: e.g. "fast/bf16".

    Raises:
        UserError: a part that is not known (the nearest is suggested), a value that is given twice
            or out of range.

    Example:
        >>> parse_variant("dpm++20/256px").given()
        {'steps': 20, 'scheduler': 'dpm++', 'size': 256}
    """
    tiny = re.search(r"(?:^|/)tiny-vae=(.*)", text)
    words = text if tiny is None else text[: tiny.start()]
    if tiny and not tiny[1]:
        raise UserError(f"the variant {text!r} names no model; write tiny-vae=MODEL.")
    parts = words.split("/") if words or tiny is None else []
    values: dict[str, Any] = {} if tiny is None else {"tiny_vae": tiny[1]}
    for part in parts:
        for key, value in _read(part, text).items():
            if key in values:
                what = key.replace("_", " ")
                raise UserError(f"the variant {text!r} gives its {what} twice; leave one out.")
            values[key] = value
    if EXACT in parts and "fast" in parts:
        raise UserError(f"the variant {text!r} is both exact and fast; leave one out.")
    try:
        return EditorOptions(**values)
    except UserError as error:
        raise UserError(f"the variant {text!r} cannot be made: {error}") from error


def _read(part: str, text: str) -> dict[str, Any]:
    """What one part sets."""
    if part in _FLAGS:
        return dict(_FLAGS[part])
    for pattern, key, kind in _NUMBERED:
        found = re.fullmatch(pattern, part, flags=re.ASCII)
        if found:
            return {key: kind(found[1])}
    names = "|".join(re.escape(name) for name in SCHEDULERS)
    found = re.fullmatch(rf"({names})(\d+)?", part, flags=re.ASCII)
    if found:
        steps = {} if found[2] is None else {"steps": int(found[2])}
        return {"scheduler": found[1], **steps}
    stem = re.sub(r"[\d.]+", "", part)
    near = nearest_name(stem, _EXAMPLES)
    close = nearest_name(part, _FLAGS) or (near and _EXAMPLES[near])
    there = f"did you mean {close!r}? There" if close else "there"
    raise UserError(
        f"no part {part!r} of a variant, in {text!r}; {there} are: "
        f"{', '.join((*_FLAGS, *_EXAMPLES.values()))}."
    )


def merge_options(base: EditorOptions, own: EditorOptions) -> EditorOptions:
    """A variant's own values, and below them those that hold for all variants.

    What "fast" brings is below both, as everywhere: a value that was given stands.
    """
    given = dataclasses.asdict(own)
    return dataclasses.replace(base, **{k: v for k, v in given.items() if v not in (None, False)})
