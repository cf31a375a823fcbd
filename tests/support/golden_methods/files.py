"""The files of golden arrays: METHOD_KIND_NAME.npz, described in METHOD_cases.json."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

VARIABLE = "GENMIX_DA_GOLDEN_METHODS"
Arrays = dict[str, np.ndarray]


def folder() -> Path | None:
    named = os.environ.get(VARIABLE)
    return Path(named) if named else None


def files(method: str, kind: str) -> list[Path]:
    """Every file of a kind, also such as no case describes."""
    home = folder()
    return sorted(home.glob(f"{method}_{kind}_*.npz")) if home else []


def load(path: Path) -> Arrays:
    with np.load(path) as archive:
        return {name: archive[name] for name in archive.files}


def case_of(path: Path, kind: str) -> dict[str, Any]:
    """What METHOD_cases.json says of a file."""
    method, _, name = path.stem.partition(f"_{kind}_")
    cases = json.loads((path.parent / f"{method}_cases.json").read_text())[kind]
    return next(case for case in cases if case["name"] == name)
