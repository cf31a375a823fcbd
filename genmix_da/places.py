"""Where things are kept between runs, and where data comes from when nobody names it."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """Decoded images and Mini Office-Home: $GENMIX_DA_CACHE, else the user's cache folder."""
    named = os.environ.get("GENMIX_DA_CACHE")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "genmix-da"


def default_data() -> Path | None:
    """$GENMIX_DA_DATA, or None where Mini Office-Home is to be used."""
    named = os.environ.get("GENMIX_DA_DATA")
    return Path(named) if named else None
