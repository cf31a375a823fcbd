"""The files of golden arrays: METHOD_KIND[_NAME].npz, described in METHOD_cases.json."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

VARIABLE = "GENMIX_DA_GOLDEN_METHODS"
Arrays = dict[str, np.ndarray]
_PREFIX = re.compile(r"(case\d+)_")


@dataclass(frozen=True)
class Golden:
    """One case: a file, or of a file with several those arrays whose names begin with it.

    Attributes:
        path: of the file.
        kind: between the method's and the case's name.
        prefix: "case00" and so on; "" where the file is one case.
    """

    path: Path
    kind: str
    prefix: str = ""

    @property
    def name(self) -> str:
        return f"{self.path.stem}-{self.prefix}" if self.prefix else self.path.stem

    def arrays(self) -> Arrays:
        """The arrays, without the prefix."""
        start = f"{self.prefix}_" if self.prefix else ""
        with np.load(self.path) as archive:
            names = [name for name in archive.files if name.startswith(start)]
            return {name.removeprefix(start): archive[name] for name in names}

    def case(self) -> dict[str, Any]:
        """What METHOD_cases.json says of it."""
        method, _, name = self.path.stem.partition(f"_{self.kind}")
        cases = described(self.path.parent, method)[self.kind]
        key, wanted = ("case", self.prefix) if self.prefix else ("name", name.removeprefix("_"))
        return next(case for case in cases if case[key] == wanted)


def folder() -> Path | None:
    named = os.environ.get(VARIABLE)
    return Path(named) if named else None


def described(home: Path, method: str) -> dict[str, Any]:
    """METHOD_cases.json."""
    content: dict[str, Any] = json.loads((home / f"{method}_cases.json").read_text())
    return content


def goldens(method: str, kind: str) -> list[Golden]:
    """Every case of a kind."""
    home = folder()
    if home is None:
        return []
    found = []
    for path in sorted({*home.glob(f"{method}_{kind}.npz"), *home.glob(f"{method}_{kind}_*.npz")}):
        with np.load(path) as archive:
            prefixes = {match[1] for name in archive.files if (match := _PREFIX.match(name))}
        found += [Golden(path, kind, prefix) for prefix in sorted(prefixes or {""})]
    return found
