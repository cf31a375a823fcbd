"""Fetch a file over HTTP: with progress, and going on where it was interrupted.

What has arrived lies in NAME.part; NAME.part.json beside it says of which version of the file it
is, so that two versions are never joined.
"""

from __future__ import annotations

import http.client
import json
import logging
import re
import socket
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genmix_da.errors import UserError
from genmix_da.progress import bar

_CHUNK = 1 << 18
_MIB = 1 << 20
_SECONDS = 60.0  # without a byte: the connection is given up
_ATTEMPTS = 5  # in a row that bring nothing
_PAUSE = 1.0  # seconds before another, times the attempt
_NETWORK = (OSError, http.client.HTTPException)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Problem:
    """Why a connection ended before the file did.

    Attributes:
        reason: in a few words.
        hopeless: another attempt would end alike: there is no network.
    """

    reason: str
    hopeless: bool = False


def is_url(text: str) -> bool:
    """Whether a source is fetched over HTTP."""
    return text.lower().startswith(("http://", "https://"))


def download(url: str, folder: Path) -> Path:
    """The file of a URL in a folder, named as it is there; one that is whole is not fetched again.

    Args:
        url: http or https.
        folder: made here; keeps what has arrived where the download is interrupted.

    Raises:
        UserError: it can't be fetched; what has arrived is kept.
    """
    target = folder / _name(url)
    if target.is_file():
        return target
    part = folder / f"{target.name}.part"
    failed = 0
    with bar(f"downloading {target.name} (MiB)") as advance:
        while True:
            before = _size(part)
            problem = _fetch(url, part, advance)
            if problem is None:
                break
            failed = failed + 1 if _size(part) <= before else 1
            if failed >= _ATTEMPTS or problem.hopeless:
                raise UserError(
                    f"cannot download {url} ({problem.reason}); check the network and start again: "
                    f"the {_size(part) // _MIB} MiB that have arrived are kept."
                )
            logger.info("%s: %s; trying again", url, problem.reason)
            time.sleep(_PAUSE * failed)
    part.rename(target)
    _note(part).unlink(missing_ok=True)
    return target


def _name(url: str) -> str:
    """What a file is called on disk: the last part of the URL's path.

    Raises:
        UserError: it has none.
    """
    try:
        path = urllib.parse.unquote(urllib.parse.urlsplit(url).path)
    except ValueError as error:
        raise UserError(f"{url!r} is no URL ({error}); check it.") from error
    name = re.sub(r"[^\w.-]", "_", path.rpartition("/")[2]).lstrip(".")
    if not name:
        raise UserError(f"{url!r} names no file; give the URL of an archive.")
    return name


def _fetch(url: str, part: Path, advance: Callable[[int, int], None]) -> _Problem | None:
    """Fetch what is missing; returns why it ended early, or None where the file is whole.

    Raises:
        UserError: another attempt would end alike.
    """
    held = _size(part)
    version = _version(part) if held else None
    if version is None:
        held = 0  # of an unknown version: it can't be gone on with
    try:
        request = urllib.request.Request(url, headers=_headers(held, version))
        answer = urllib.request.urlopen(request, timeout=_SECONDS)
    except urllib.error.HTTPError as error:
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and held:
            if _last_number(error.headers.get("Content-Range")) == held:
                return None  # killed between the last byte and the new name
            part.unlink()
            return _Problem("the file has changed")
        if error.code >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
            return _Problem(f"HTTP {error.code}")
        raise UserError(
            f"{url} answers HTTP {error.code} ({error.reason}); fetch it with a browser."
        ) from error
    except (*_NETWORK, ValueError) as error:
        return _problem(error)
    with answer:
        if answer.status != http.HTTPStatus.PARTIAL_CONTENT:
            held = 0
        total = _total(answer, held)
        part.parent.mkdir(parents=True, exist_ok=True)  # not before there is something to keep
        _keep_version(part, answer)
        return _receive(answer, part, held, total, advance)


def _receive(
    answer: Any, part: Path, held: int, total: int | None, advance: Callable[[int, int], None]
) -> _Problem | None:
    with part.open("r+b" if held else "wb") as file:
        file.seek(held)
        file.truncate()
        while True:
            try:
                piece = answer.read(_CHUNK)
            except _NETWORK as error:
                return _problem(error)
            if not piece:
                break
            file.write(piece)
            held += len(piece)
            advance(held // _MIB, (total or held) // _MIB)
    if total is None or held == total:
        return None
    return _Problem(f"it ended after {held} of {total} bytes")


def _headers(held: int, version: str | None) -> dict[str, str]:
    # Another coding than the file's own would have another length.
    found = {"User-Agent": "genmix-da", "Accept-Encoding": "identity"}
    if held and version:
        found |= {"Range": f"bytes={held}-", "If-Range": version}
    return found


def _total(answer: Any, held: int) -> int | None:
    """Bytes of the whole file; None where the server does not say."""
    if held:
        return _last_number(answer.headers.get("Content-Range"))
    return _last_number(answer.headers.get("Content-Length"))


def _last_number(header: str | None) -> int | None:
    found = re.search(r"(\d+)\s*$", header or "")
    return int(found[1]) if found else None


def _note(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _keep_version(part: Path, answer: Any) -> None:
    """Note what tells this version of the file from others, before its first byte."""
    etag = answer.headers.get("ETag")
    strong = etag if etag and not etag.startswith("W/") else None
    _note(part).write_text(json.dumps({"version": strong or answer.headers.get("Last-Modified")}))


def _version(part: Path) -> str | None:
    try:
        found = json.loads(_note(part).read_text())["version"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    return found if isinstance(found, str) and found.isprintable() else None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _problem(error: BaseException) -> _Problem:
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    hopeless = isinstance(cause, socket.gaierror | ValueError | http.client.InvalidURL)
    if isinstance(cause, OSError) and cause.strerror:
        return _Problem(cause.strerror.lower(), hopeless)
    return _Problem((str(cause).strip().splitlines() or [type(error).__name__])[0], hopeless)
