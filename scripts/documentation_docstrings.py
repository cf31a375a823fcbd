"""What the reference does with docstrings before it reads them; an extension of griffe."""

from __future__ import annotations

import re
from typing import Any

import griffe

# A name in angle brackets, outside of code, would be taken for HTML and not be shown.
_PLACEHOLDER = re.compile(r"(`[^`]*`)|<(?=\w)")
# "alpha, power: settings" is said of both; the lines that go on are indented further.
_OF_SEVERAL = re.compile(r"^( +)(\w+(?:, \w+)+)(: .*(?:\n\1 +.*)*)$", re.MULTILINE)


class Docstrings(griffe.Extension):
    """Our docstrings are plain text; the site reads Markdown."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """See the class."""
        if obj.docstring is not None:
            # griffe knows "Examples:" alone
            text = re.sub(r"^Example:$", "Examples:", obj.docstring.value, flags=re.MULTILINE)
            text = _OF_SEVERAL.sub(_one_by_one, text)
            lines = [line if _is_code(line) else _escaped(line) for line in text.split("\n")]
            obj.docstring.value = "\n".join(lines)


def _one_by_one(entry: re.Match[str]) -> str:
    return "\n".join(f"{entry[1]}{name}{entry[3]}" for name in entry[2].split(", "))


def _is_code(line: str) -> bool:
    return line.lstrip().startswith((">>>", "..."))


def _escaped(line: str) -> str:
    return _PLACEHOLDER.sub(lambda found: found[1] or "&lt;", line)
