"""The data folder that is meant where none is named: $GENMIX_DA_DATA, else Mini Office-Home."""

from __future__ import annotations

import logging
from pathlib import Path

from genmix_da.data.hub import PREFIX, local
from genmix_da.errors import UserError
from genmix_da.places import cache_folder, default_data, is_url, place_name, user_path
from genmix_da.progress import bar
from office_home import OFFICE_HOME_DOMAINS
from office_home.mini import make

_MINI_MARKER = "mini_office_home.json"
_OURS = ("config.yaml", "result.json", "table.json", "checkpoint.safetensors")

logger = logging.getLogger(__name__)


def data_root(data: str | None, profile: str | None = None) -> Path:
    """The data folder that is meant; Mini Office-Home is made on first use.

    Args:
        data: folder, list, "datasets:NAME", or None.
        profile: of the settings; one of real images needs its data.

    Raises:
        UserError: no data for the profile, or what `local` refuses.
    """
    named = data if data is not None else default_data()
    if named is not None:
        return local(named)
    if profile not in (None, "mini"):
        raise UserError(f"--profile {profile} needs its images; give --data DIR.")
    logger.info("no --data and no $GENMIX_DA_DATA: using Mini Office-Home (synthetic images)")
    return mini_office_home()


def refuse_inside(out: Path, data: str | None) -> None:
    """Refuse a new output folder inside the data folder, where it would be read as images.

    Args:
        out: the folder; one that holds something of ours (of earlier versions) is let be.
        data: as given; None, a list or no folder: any output is good.

    Raises:
        UserError: it lies inside.
    """
    named = data if data is not None else default_data()
    if named is None or named.startswith(PREFIX):
        return
    home = user_path(named).resolve()
    inside = (is_url(named) or home.is_dir()) and out.resolve().is_relative_to(home)
    if inside and not _was_begun(out):
        raise UserError(
            f"the output {place_name(out)} lies in the data folder {place_name(home)}, where it "
            "would be read as images; choose another --out."
        )


def _was_begun(out: Path) -> bool:
    """Whether a folder holds a run, a source model or a table, itself or up to two folders deep."""
    return any(
        next(out.glob(f"{depth}{name}"), None) is not None
        for depth in ("", "*/", "*/*/")
        for name in _OURS
    )


def mini_office_home() -> Path:
    """Folder of Mini Office-Home in the cache, drawn on first use."""
    root = cache_folder() / "mini_office_home"
    if is_mini(root):
        return make(root)
    logger.info("drawing Mini Office-Home into %s", root)
    with bar("drawing") as advance:
        return make(root, progress=advance)


def example_domain() -> Path:
    """A labelled domain for who names none: Art of Mini Office-Home."""
    logger.info("no SRC: showing Art of Mini Office-Home (synthetic images)")
    return mini_office_home() / OFFICE_HOME_DOMAINS[0]


def is_mini(root: Path) -> bool:
    """Whether a folder of domains is Mini Office-Home, whose images are drawn."""
    return (root / _MINI_MARKER).is_file()
