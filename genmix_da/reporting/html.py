"""What all pages share: the template engine, which escapes every name, and the file to write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from genmix_da.errors import UserError
from genmix_da.places import replaceable
from genmix_da.reporting.figures import shown

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup


def environment(hide: Callable[[str], str] = str) -> Environment:
    """Templates of this package; what comes from file names, class names or prompts is escaped.

    Args:
        hide: what a text that is shown must not have; see `HiddenPlaces`.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("genmix_da.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    made.filters["shown"] = lambda text: hide(shown(text))
    return made


def source(name: str) -> Markup:
    """A style sheet or script of the templates, as it is."""
    from markupsafe import Markup

    return Markup((Path(__file__).parent / "templates" / name).read_text(encoding="utf-8"))


def page_file(out: str | Path, option: str) -> Path:
    """The file to write; devices and folders are no place for a page.

    Args:
        out: as given.
        option: that it is given with, for the message.

    Raises:
        UserError: it can't be written to.
    """
    if str(out) in ("", "."):
        raise UserError(f"the page needs a name; give {option} FILE.")
    return replaceable(out, option)
