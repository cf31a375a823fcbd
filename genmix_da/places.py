"""Where things are kept between runs, and where data comes from when nobody names it."""

from __future__ import annotations

import os
import re
import reprlib
from pathlib import Path

from genmix_da.errors import UserError

_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+://")
# At the beginning of a text, or of what follows a name: instruct-pix2pix:~/model, --out=~/runs.
_HOME = re.compile(r"(^|[:=,])(~[^/:=,]*(?=/|$)|\$HOME\b|\$\{HOME\})")


HUB = "datasets:"  # before the name of a data set of the hub, in the place of a folder


def expanded(text: str) -> str:
    """Text with ~, ~user and $HOME at the beginning of a path in it replaced, as a shell does it.

    Shells leave `--data=~/images` alone, and nobody does it in a file of settings.
    """
    return _HOME.sub(lambda found: found[1] + os.path.expandvars(_home(found[2])), text)


def _home(text: str) -> str:
    return os.path.expanduser(text)  # noqa: PTH111  (what is not a user stays as it is)


def is_url(text: str | os.PathLike[str]) -> bool:
    """Whether a text is an address, of the web or of a store: s3://bucket/folder."""
    return _URL.match(os.fspath(text)) is not None


def user_path(path: str | os.PathLike[str]) -> Path:
    """A path that a user gave.

    Raises:
        UserError: it is no path at all; empty: a variable of a shell that is not set, more often
            than not; or a URL, which data may be behind and nothing else.
    """
    if not isinstance(path, str | os.PathLike):
        raise UserError(f"{reprlib.repr(path)} is no path; give one as a text or a Path.")
    if not os.fspath(path).strip():
        raise UserError("an empty path was given; name a file or folder.")
    if is_url(path):
        raise UserError(f"{os.fspath(path)} is a URL; only data is read from one, give a path.")
    return Path(expanded(os.fspath(path)))


def replaceable(path: str | os.PathLike[str], option: str) -> Path:
    """A file that is to be written.

    Args:
        path: as given.
        option: that it is given with, for the message.

    Raises:
        UserError: a folder or device is there; or as `user_path`.
    """
    place = user_path(path)
    if place.exists() and not place.is_file():
        raise UserError(f"{place} is not a file that can be replaced; give another {option} FILE.")
    return place


def cache_folder() -> Path:
    """Decoded images and Mini Office-Home: $GENMIX_DA_CACHE, else the user's cache folder."""
    named = os.environ.get("GENMIX_DA_CACHE")
    if named:
        return user_path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "genmix-da"


def default_data() -> str | None:
    """$GENMIX_DA_DATA, or None where Mini Office-Home is to be used."""
    named = os.environ.get("GENMIX_DA_DATA")
    return expanded(named) if named else None
