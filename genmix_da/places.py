"""Where things are kept between runs, and where data comes from when nobody names it."""

from __future__ import annotations

import os
import re
import reprlib
from pathlib import Path

from genmix_da.errors import UserError

_URL = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]+)://(.*)", re.DOTALL)
_ONE_SLASH = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]+):/(?!/)(.*)", re.DOTALL)
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
    return _URL.match(url_text(text)) is not None


def url_text(text: str | os.PathLike[str]) -> str:
    """A text as given; of a URL with one slash, as a Path makes it, with both."""
    given = os.fspath(text)
    one = _ONE_SLASH.fullmatch(given)
    if one is None:
        return given
    from fsspec import available_protocols

    return f"{one[1]}://{one[2]}" if one[1] in available_protocols() else given


def user_path(path: str | os.PathLike[str]) -> Path:
    """A path that a user gave; of a URL, the one in the cache that stands for it.

    Nothing is fetched here: `genmix_da.stores` moves what lies there.

    Raises:
        UserError: it is no path at all; or empty: a variable of a shell that is not set, more often
            than not.
    """
    if not isinstance(path, str | os.PathLike):
        raise UserError(f"{reprlib.repr(path)} is no path; give one as a text or a Path.")
    if not os.fspath(path).strip():
        raise UserError("an empty path was given; name a file or folder.")
    url = _URL.fullmatch(url_text(path))
    if url is not None:
        first, *others = url[2].rstrip("/").split("/")  # nothing is first in file:///runs
        # "." and ".." would lead elsewhere. Stores list nothing between two slashes.
        parts = [first, *(part for part in others if part)]
        quoted = (f"%{part}" if part in ("", ".", "..", "%") else part for part in parts)
        return store_copies().joinpath(url[1], *quoted)
    if "::" in os.fspath(path) and "://" in os.fspath(path):
        raise UserError(f"{os.fspath(path)} is a chain of protocols; give a plain URL, or a path.")
    return Path(expanded(os.fspath(path)))


def local_path(path: str | os.PathLike[str]) -> Path:
    """A path that a user gave for what is written to disks alone.

    Raises:
        UserError: it is a URL; or as `user_path`.
    """
    found = user_path(path)
    if address_of(found) is not None:
        raise UserError(f"{address_of(found)} is a URL; give a path, for this is written to disk.")
    return found


def address_of(path: Path) -> str | None:
    """The URL that a path in the cache stands for; None where it is a path like any other."""
    home = store_copies()
    if not path.is_relative_to(home) or len(path.relative_to(home).parts) < 2:
        return None
    scheme, *parts = path.relative_to(home).parts
    plain = (part[1:] if part in ("%", "%.", "%..", "%%") else part for part in parts)
    return None if scheme.startswith(".") else f"{scheme}://{'/'.join(plain)}"


def place_name(path: Path) -> str:
    """A path for people and for records: the URL where it stands for one."""
    return address_of(path) or os.fspath(path)


def with_addresses(text: str) -> str:
    """A sentence for people, with URLs in place of the paths that stand for them."""
    home = re.escape(os.fspath(store_copies()))
    return re.sub(rf"{home}/([a-zA-Z][a-zA-Z0-9+.-]+)/(%(?=/))?", r"\1://", text)


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
    """Decoded images and Mini Office-Home: $GENMIX_DA_CACHE, else the user's cache folder.

    It is always one of this machine, because files in it are mapped into memory: where the variable
    holds a URL, the user's, and see `shared_cache`.
    """
    named = os.environ.get("GENMIX_DA_CACHE")
    if named and not is_url(named):
        return user_path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "genmix-da"


def shared_cache() -> Path:
    """Of what is dear to make and is read file by file (edits): behind $GENMIX_DA_CACHE if a URL.

    Else `cache_folder`.
    """
    named = os.environ.get("GENMIX_DA_CACHE", "")
    return user_path(named) if is_url(named) else cache_folder()


def store_copies() -> Path:
    """Where copies of what lies behind URLs are, by protocol and path."""
    return cache_folder() / "remote"


def default_data() -> str | None:
    """$GENMIX_DA_DATA, or None where Mini Office-Home is to be used."""
    named = os.environ.get("GENMIX_DA_DATA")
    return expanded(named) if named else None
