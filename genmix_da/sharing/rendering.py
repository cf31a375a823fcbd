"""Templates of cards: markdown, without the paths of the machine that it is written on."""

from __future__ import annotations

import re
from typing import Any

from genmix_da.hidden_paths import hidden

_MARKS = re.compile(r"([\\`*_{}\[\]<>|#])")


def render(template: str, **values: Any) -> str:
    """The text of a template of this package.

    Args:
        template: its name.
        **values: that it names; see `hidden`.
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
    return made.get_template(template).render(hidden(values))
