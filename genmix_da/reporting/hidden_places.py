"""Home and cache folders do not stand on a page: pages are passed on, and paths name people.

A home folder, also one of another machine, is ~; the cache is $GENMIX_DA_CACHE. Of what is sent to
strangers whole paths are taken out, see `genmix_da.hidden_paths`.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from genmix_da.hidden_paths import homes
from genmix_da.places import cache_folder, with_addresses

if TYPE_CHECKING:
    from genmix_da.reporting.run import ReportRun

CACHE = "$GENMIX_DA_CACHE"
_MINI = "mini_office_home"
# Neither the middle of a longer path nor the beginning of another name.
_BEFORE, _AFTER = r"(?<![\w.~-])", r"(?![\w.-])"
_DEFAULT_CACHE = re.compile(rf"~/\.cache/genmix-da{_AFTER}")


class HiddenPlaces:
    """Names places in texts as they may be shown.

    Args:
        caches: cache folders that the runs have used, beside the one of this process.
    """

    def __init__(self, caches: Iterable[Path] = ()) -> None:
        folders = {str(path) for own in (cache_folder(), *caches) for path in (own, own.resolve())}
        listed = "|".join(re.escape(path) for path in sorted(folders, key=len, reverse=True))
        self._caches = re.compile(f"{_BEFORE}(?:{listed}){_AFTER}")

    def __call__(self, text: str) -> str:
        """The text without home and cache folders, with URLs for the paths that stand for them."""
        found = self._caches.sub(lambda _: CACHE, with_addresses(text))
        found = re.sub(f"{_BEFORE}(?:{homes()}){_AFTER}", _short, found)
        return _DEFAULT_CACHE.sub(lambda _: CACHE, found)


def caches_of(runs: Iterable[ReportRun]) -> set[Path]:
    """Cache folders that runs on Mini Office-Home, which is drawn into one, have recorded."""
    configs = (
        (run.content.get("provenance") or {}).get("config") or {}
        for run in runs
        if run.content.get("synthetic")
    )
    data = (Path(str(config.get("data") or "")) for config in configs)
    return {path.parent for path in data if path.is_absolute() and path.name == _MINI}


def drawn_into_cache(data: object) -> bool:
    """Whether recorded data are Mini Office-Home in a cache, which no command needs to name."""
    path = Path(str(data or ""))
    return path.is_absolute() and path.name == _MINI


def shell_words(words: Iterable[str]) -> str:
    """Words as a line for a POSIX shell, home folders as ~.

    genmix-da replaces ~ itself at the beginning of a word and behind ":", "=" and ",", so that it
    may be quoted.
    """
    return " ".join(map(_shell_word, words))


def _shell_word(word: str) -> str:
    word = with_addresses(word)
    named = os.environ.get("GENMIX_DA_CACHE")
    if named and Path(word).is_relative_to(cache_folder()):
        return f'"{CACHE}"/{shlex.quote(str(Path(word).relative_to(cache_folder())))}'
    short = re.sub(f"(^|[:=,])({homes()})(?=/|$)", lambda found: found[1] + _short(found, 2), word)
    if short.startswith("~/") and short != word:
        return f"~/{shlex.quote(short[2:])}" if short[2:] else "~"
    return shlex.quote(short)


def _short(found: re.Match[str], group: int = 0) -> str:
    """~ for a home folder; a folder of data that lies where homes do stays."""
    folder = Path(found[group])
    if folder == Path.home() or not folder.exists():
        return "~"
    try:
        return "~" if Path(f"~{folder.name}").expanduser() == folder else found[group]
    except RuntimeError:  # no account has that name
        return found[group]
