"""Finding the golden files, by their names: a new file with the same array names is compared as is.

The committed subset (tests/golden) always runs; the full set runs where GENMIX_DA_GOLDEN names its
folder.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

VARIABLE = "GENMIX_DA_GOLDEN"
COMMITTED = Path(__file__).parents[2] / "golden"
Arrays = Mapping[str, np.ndarray]
Info = Mapping[str, Any]


def load_npz(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as archive:
        return {name: archive[name] for name in archive.files}


def folders() -> dict[str, Path | None]:
    named = os.environ.get(VARIABLE)
    return {"committed": COMMITTED, "external": Path(named) if named else None}


def skipped(origin: str, name: str, reason: str) -> Any:
    return pytest.param(None, None, id=f"{origin}-{name}", marks=pytest.mark.skip(reason=reason))


def unset(origin: str, name: str) -> list[Any]:
    return [skipped(origin, name, f"{VARIABLE} is not set; it names the folder of golden files")]


def listed_cases(prefix: str) -> list[Any]:
    """A parameter for every PREFIX_*.npz, with its entry in PREFIX_cases.json where it has one."""
    found = []
    for origin, folder in folders().items():
        if folder is None:
            found += unset(origin, prefix)
            continue
        paths = sorted(folder.glob(f"{prefix}_*.npz"))
        listing = folder / f"{prefix}_cases.json"
        entries = json.loads(listing.read_text()) if listing.is_file() else []
        infos = {entry["file"]: entry for entry in entries}
        for path in paths:
            info = infos.get(path.name, {})
            found.append(pytest.param(path, info, id=f"{origin}-{path.stem}"))
        for name in sorted(set(infos) - {path.name for path in paths}):
            reason = f"{name} is listed in {listing.name}, but not in {folder}"
            found.append(skipped(origin, Path(name).stem, reason))
        if not paths and not infos:
            found.append(skipped(origin, prefix, f"no {prefix}_*.npz in {folder}"))
    return found


def numbered_cases(stem: str) -> list[Any]:
    """A parameter for every case of STEM.npz, described in STEM.json."""
    found = []
    for origin, folder in folders().items():
        if folder is None:
            found += unset(origin, stem)
            continue
        paths = [folder / f"{stem}.npz", folder / f"{stem}.json"]
        missing = [path.name for path in paths if not path.is_file()]
        if missing:
            found.append(skipped(origin, stem, f"no {' and no '.join(missing)} in {folder}"))
            continue
        for info in json.loads(paths[1].read_text()):
            name = f"{origin}-{stem}-{info['case']}"
            found.append(pytest.param(paths[0], info, id=name))
    return found


def plain_files(name: str) -> list[Any]:
    """A parameter for the one file of this name in each folder."""
    found = []
    for origin, folder in folders().items():
        if folder is None:
            found += unset(origin, name)
        elif not (folder / name).is_file():
            found.append(skipped(origin, name, f"no {name} in {folder}"))
        else:
            found.append(pytest.param(folder / name, {}, id=f"{origin}-{name}"))
    return found


@cache
def load_cached(path: Path) -> dict[str, np.ndarray]:
    return load_npz(path)


def case_arrays(path: Path, case: str) -> dict[str, np.ndarray]:
    """The arrays of one case of a file that holds many."""
    start = f"{case}_"
    arrays = load_cached(path)
    return {key[len(start) :]: value for key, value in arrays.items() if key.startswith(start)}
