"""Templates of cards: markdown, whose home and cache folders are hidden."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from genmix_da.reporting.hidden_places import HiddenPlaces

_MARKS = re.compile(r"([\\`*_{}\[\]<>|#])")


def hider(result: Mapping[str, Any]) -> HiddenPlaces:
    """Hides home and cache folders, also the cache that a run's drawn data lay in."""
    config = (result.get("provenance") or {}).get("config") or {}
    data = Path(str(config.get("data") or ""))
    drawn = result.get("synthetic") and data.is_absolute()
    return HiddenPlaces([data.parent] if drawn else [])


def hidden(value: Any, hide: Callable[[str], str]) -> Any:
    """A JSON value whose texts name no home or cache folder."""
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, Mapping):
        return {key: hidden(item, hide) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [hidden(item, hide) for item in value]
    return value


def render(template: str, hide: Callable[[str], str], **values: Any) -> str:
    """The text of a template of this package.

    Args:
        template: its name.
        hide: see `hidden`; of all values.
        **values: that it names.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader(__package__),
        autoescape=False,  # markdown; names are escaped by the filter "plain"
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["plain"] = lambda text: _MARKS.sub(r"\\\1", " ".join(str(text).split()))
    return made.get_template(template).render(hidden(values, hide))
