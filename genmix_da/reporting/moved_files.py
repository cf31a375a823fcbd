"""Find what a record names, also after the run or the data were moved.

Records name files as the command saw them: relative to the folder it ran in, or absolute. A reader
stands elsewhere, and runs are copied to other machines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from genmix_da.places import cache_folder, default_data, is_url, user_path


def find_recorded(
    recorded: str, run: Path, *, homes: Sequence[Path] = (), least: int = 2
) -> Path | None:
    """The file or folder that a record names.

    Args:
        recorded: path as written in a record.
        run: run folder that the record is of.
        homes: folders to look below first, e.g. of the data.
        least: how many trailing parts of the path must agree where it is not there as recorded: too
            few and another file of the same name is found.

    Returns:
        Where it is now, or None.
    """
    if not recorded:
        return None
    return next((place for place in _places(recorded, run, homes, least) if _exists(place)), None)


def data_homes(result: Mapping[str, Any]) -> list[Path]:
    """Folders in which a run's domains may lie: as recorded, as the environment says, Mini's.

    Args:
        result: content of result.json.
    """
    config = (result.get("provenance") or {}).get("config") or {}
    given = (config.get("data"), default_data())
    named = [_path(str(place)) for place in given if place]
    if result.get("synthetic"):
        named.append(cache_folder() / "mini_office_home")
    return named


def _path(recorded: str) -> Path:
    return user_path(recorded) if is_url(recorded) else Path(recorded)


def _places(recorded: str, run: Path, homes: Sequence[Path], least: int) -> Iterator[Path]:
    path = _path(recorded)
    yield path
    parts = path.parts[1:] if path.is_absolute() else path.parts
    here = run.resolve()
    # The longest tail first: the more of the path agrees, the surer it is the same file.
    for start in range(max(len(parts) - least + 1, 1)):
        tail = Path(*parts[start:]) if parts[start:] else path
        for home in (*homes, here, *here.parents):
            yield home / tail


def _exists(place: Path) -> bool:
    try:
        return place.exists()
    except (OSError, ValueError):  # a name that no file system takes
        return False
