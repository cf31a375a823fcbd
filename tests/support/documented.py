"""The fenced blocks of the documentation, and whether they say that they are not run here."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md")
_BLOCK = re.compile(
    r"^(?:<!-- not run here: (?P<mark>.+?) -->\n)?```(?P<language>\w*)\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        place: page and line, "docs/data.md:59".
        language: behind the fence's opening.
        code: between its lines.
        mark: what it needs that is not here; None where a test runs it.
    """

    place: str
    language: str
    code: str
    mark: str | None

    @property
    def commands(self) -> list[list[str]]:
        """Its lines as a shell splits them, without comments; lines that go on are one."""
        lines = self.code.replace("\\\n", " ").splitlines()
        found = (shlex.split(line, comments=True) for line in lines)
        return [words for words in found if words]


def page_name(page: Path) -> str:
    """Path in the repository."""
    return page.relative_to(ROOT).as_posix()


def blocks_of(page: Path) -> list[Block]:
    """All blocks of a page, in its order."""
    text = page.read_text()
    found = []
    for block in _BLOCK.finditer(text):
        line = text.count("\n", 0, block.start("language")) + 1
        place = f"{page_name(page)}:{line}"
        found.append(Block(place, block["language"], block["code"], block["mark"]))
    assert 2 * len(found) == len(re.findall(r"^ *```", text, re.MULTILINE)), page
    return found


BLOCKS = [block for page in PAGES for block in blocks_of(page)]
