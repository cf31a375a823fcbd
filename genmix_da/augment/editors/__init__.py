"""Image editors behind one small protocol. Adding one is one file and one entry in EDITORS."""

from __future__ import annotations

import difflib
from collections.abc import Callable

from genmix_da.augment.editors.base import Editor, edit_problem
from genmix_da.augment.editors.filters import FilterEditor
from genmix_da.errors import UserError

EDITORS: dict[str, Callable[[], Editor]] = {"filters": FilterEditor}

__all__ = ["EDITORS", "Editor", "edit_problem", "make_editor"]


def make_editor(name: str) -> Editor:
    """An editor by name; "auto" is `filters`, the only one that needs no weights.

    Raises:
        UserError: unknown editor (the nearest is suggested).
    """
    if name == "auto":
        name = "filters"
    if name not in EDITORS:
        close = difflib.get_close_matches(name, list(EDITORS), n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise UserError(f"no editor {name!r}; {hint}There are: auto, {', '.join(EDITORS)}.")
    return EDITORS[name]()
