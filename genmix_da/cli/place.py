"""Paths and URLs on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


class _Place(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4 alone
    """A path, or a URL as the path that stands for it; see `genmix_da.places`."""

    name = "path"

    def convert(self, value: Any, param: Any, ctx: Any) -> Path:
        from genmix_da.places import user_path

        return user_path(value) if str(value).strip() else Path(value)  # each command has its words


class _Disk(_Place):
    """A path alone."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Path:
        from genmix_da.places import local_path

        return local_path(value) if str(value).strip() else Path(value)


PLACE, DISK = _Place(), _Disk()


def shown(path: str | Path) -> str:
    """A path as it is printed: the URL where it stands for one."""
    from genmix_da.places import place_name

    return place_name(Path(path))
