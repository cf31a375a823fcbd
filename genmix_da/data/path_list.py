"""Paths of a million images in tens of megabytes: folders once, names as bytes in a row.

A `Path` and its text take some 400 bytes; here a path takes its name and 12 bytes.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import overload


class PathList(Sequence[Path]):
    """Paths, made anew each time one is asked for; equal to a tuple or list of the same.

    Args:
        paths: in their order.

    Example:
        >>> found = PathList([Path("cup/1.jpg"), Path("cup/2.jpg")])
        >>> found[1], len(found)
        (PosixPath('cup/2.jpg'), 2)
    """

    __slots__ = ("_ends", "_folder_of", "_folders", "_names", "_numbers")

    def __init__(self, paths: Iterable[Path] = ()) -> None:
        self._folders: list[str] = []  # with the separator behind them
        self._numbers: dict[str, int] = {}
        self._folder_of = array("I")
        self._names = bytearray()
        self._ends = array("Q")
        self.extend(paths)

    def append(self, path: Path) -> None:
        """Add a path at the end."""
        text = os.fspath(path)
        cut = text.rfind(os.sep) + 1
        self.add(text[:cut], text[cut:])

    def add(self, folder: str, name: str) -> None:
        """Add a path at the end, in parts.

        Args:
            folder: with a separator at its end; "" for a name alone.
            name: of the file.
        """
        number = self._numbers.get(folder)
        if number is None:
            number = self._numbers[folder] = len(self._folders)
            self._folders.append(folder)
        self._folder_of.append(number)
        self._names += os.fsencode(name)
        self._ends.append(len(self._names))

    def extend(self, paths: Iterable[Path]) -> None:
        """Add paths at the end."""
        if isinstance(paths, PathList):  # `Path` keeps a word of every name it has seen
            for row in range(len(paths)):
                self.add(*paths._parts(row))
            return
        for path in paths:
            self.append(path)

    @property
    def folders(self) -> list[Path]:
        """The folders that the paths lie in, each once, as they first occurred."""
        return [Path(folder) for folder in self._folders]

    def __iadd__(self, paths: Iterable[Path]) -> PathList:
        self.extend(paths)
        return self

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, place: int) -> Path: ...
    @overload
    def __getitem__(self, place: slice) -> PathList: ...
    def __getitem__(self, place: int | slice) -> Path | PathList:
        if isinstance(place, slice):
            chosen = PathList()
            for row in range(*place.indices(len(self))):
                chosen.add(*self._parts(row))
            return chosen
        row = place + len(self) if place < 0 else place
        if not 0 <= row < len(self):
            raise IndexError(f"no path {place} of {len(self)}")
        return self._path(row)

    def __iter__(self) -> Iterator[Path]:
        return map(self._path, range(len(self)))

    def _path(self, row: int) -> Path:
        folder, name = self._parts(row)
        return Path(folder + name)

    def _parts(self, row: int) -> tuple[str, str]:
        start = self._ends[row - 1] if row else 0
        name = os.fsdecode(bytes(self._names[start : self._ends[row]]))
        return self._folders[self._folder_of[row]], name

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PathList | tuple | list):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    def __hash__(self) -> int:  # of domains as keys; as long as nothing is added
        return hash((bytes(self._names), self._folder_of.tobytes()))

    def __repr__(self) -> str:
        shown = ", ".join(repr(str(path)) for path in self[:3])
        return f"PathList([{shown}{', ...' if len(self) > 3 else ''}], {len(self)} paths)"
