"""What is handed to strangers names no folder of the machine that it was made on.

Cards, pushed records and exported files keep the last part alone of every absolute path.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_HOMES = r"/root|/(?:home|Users)/[^/\s'\",;:()<>]+"
# From the root, or from a home. Folders may have spaces in their names; where a text goes on behind
# the last part is not known, so that one may not. URLs are none, nor are fractions.
_PART = r"[^\s/'\"`,:;()<>]+"
_PATH = re.compile(rf"(?<![\w.~/<)\]}}-])(?:~[\w.-]*)?/(?:{_PART}(?: {_PART})*/)*(?:{_PART})?(?!/)")


def homes() -> str:
    """A pattern of what may be a home folder."""
    own = str(Path.home())
    return f"{re.escape(own)}|{_HOMES}" if own != "/" else _HOMES


def last_parts(text: str) -> str:
    """The text with the last part alone of every absolute path; a home folder itself is ~."""

    def last(found: re.Match[str]) -> str:
        path = found[0].rstrip("/")
        home = re.fullmatch(f"~[\\w.-]*|{homes()}", path)
        return "~" if home else path.rpartition("/")[2] or found[0]

    return _PATH.sub(last, text)


def hidden(value: Any) -> Any:
    """A JSON value of whose absolute paths the last part is left."""
    if isinstance(value, str):
        return last_parts(value)
    if isinstance(value, Mapping):
        return {key: hidden(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [hidden(item) for item in value]
    return value
