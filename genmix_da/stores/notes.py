"""When a file and its copy were last the same: what tells which of the two has changed since."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from genmix_da.places import store_copies


class Notes:
    """File -> its mark in the store and the state of the copy, when both were last the same.

    A list for each folder, to which lines are added: processes may share it.
    """

    def __init__(self) -> None:
        self._read: dict[Path, dict[str, Any]] = {}

    def add(self, copy: Path, mark: list[Any]) -> None:
        """Copy and store are the same now."""
        place, note = _place(copy), [mark, _state(copy)]
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("a") as file:
            # The line break first: a line that a killed process left unfinished ends there.
            file.write("\n" + json.dumps([copy.name, note]))
        if place in self._read:
            self._read[place][copy.name] = note

    def has(self, copy: Path) -> bool:
        """Whether both were ever the same."""
        return self._of(copy) is not None

    def is_sent(self, copy: Path) -> bool:
        """Whether a copy was not written since."""
        note = self._of(copy)
        return note is not None and note[1] == _state(copy)

    def is_older(self, copy: Path, mark: list[Any]) -> bool:
        """Whether the store's file was written since, or there is no copy.

        Args:
            copy: of the file.
            mark: that the file has now.
        """
        note = self._of(copy)
        return note is None or note[0] != mark or _state(copy) is None

    def _of(self, copy: Path) -> Any:
        place = _place(copy)
        if place not in self._read:
            self._read[place] = _lines(place)
        return self._read[place].get(copy.name)


def _place(copy: Path) -> Path:
    inner = copy.parent.relative_to(store_copies())
    return store_copies() / ".notes" / inner / "files.jsonl"


def _state(copy: Path) -> list[int] | None:
    try:
        status = copy.stat()
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns]


def _lines(place: Path) -> dict[str, Any]:
    """The last note of each name; a line that a killed process left unfinished is none."""
    found = {}
    for line in place.read_text().splitlines() if place.is_file() else ():
        try:
            name, note = json.loads(line)
        except ValueError:
            continue
        found[name] = note
    return found
