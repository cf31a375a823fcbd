"""Get a published data set: fetch, verify, unpack and arrange it.

Everything is made beside the wanted folder and renamed at the end, so what is there is whole. An
interrupted download goes on; interrupted unpacking starts anew.
"""

from __future__ import annotations

import glob
import hashlib
import logging
import os
import re
import shutil
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from genmix_da.data.domain_folders import bring, domain_folders
from genmix_da.data.download import download, is_url
from genmix_da.data.hub import PREFIX, local
from genmix_da.data.published_sets import PublishedSet
from genmix_da.data.unpack import unpack
from genmix_da.errors import UserError, check_name
from genmix_da.places import user_path
from genmix_da.progress import track

_CHUNK = 1 << 22
_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz")

logger = logging.getLogger(__name__)


def sources_of(published: PublishedSet, domains: Sequence[str]) -> list[str]:
    """Where a data set is fetched from without a browser: URLs, or its copy on the hub.

    Args:
        published: the set.
        domains: that are wanted; none: all. The hub's copy is one thing.

    Raises:
        UserError: it can be fetched with a browser alone.
    """
    archives = [a for a in published.archives if not domains or a.domain in (None, *domains)]
    if archives and all(archive.url for archive in archives):
        return [archive.url for archive in archives if archive.url]
    if published.mirror is not None:
        return [PREFIX + published.mirror]
    raise UserError(
        f"{published.title} can't be fetched without a browser: {published.by_hand} "
        f"({published.home}), then give it with --from FILE."
    )


def is_fetched(source: str) -> bool:
    """Whether a source comes over the network, so far as its name tells."""
    name = source.removeprefix(PREFIX).partition("?")[0]
    return is_url(source) or (source.startswith(PREFIX) and not user_path(name or ".").exists())


def chosen_domains(published: PublishedSet, text: str | None) -> tuple[str, ...]:
    """Published names of "real,sketch"; all domains where nothing is chosen.

    Raises:
        UserError: the data set has no such domain.
    """
    if text is None:
        return tuple(published.domains)
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if published.domain_named(name) is None:
            check_name(f"domain of {published.title}", name, published.domains)
    return tuple(d for d in published.domains if d in {published.domain_named(n) for n in names})


def obtain(
    published: PublishedSet, sources: Sequence[str], out: Path, domains: Sequence[str]
) -> Path:
    """Bring a data set to OUT/<Domain>/<class>/<image>; returns OUT.

    Args:
        published: which.
        sources: files, folders, URLs or "datasets:NAME"; several archives are one data set.
        out: a folder that is not there yet, or empty.
        domains: published names of those that are wanted.

    Raises:
        UserError: a source is missing, damaged, hostile or another's, or `out` is in use.
    """
    out = _new_folder(out)
    fetched = out.with_name(f"{out.name}.download")
    with _beside(out) as unfinished:
        made, unpacked = unfinished / "made", unfinished / "unpacked"
        count = 0
        for number, source in enumerate(sources):
            place = download(source, fetched) if is_url(source) else local(source)
            for home, move in _unpacked(place, published, unpacked / str(number)):
                for domain, folders in domain_folders(home, published).items():
                    if domain in domains:
                        count += bring(folders, made / domain, move=move)
        if not count:
            raise UserError(
                f"no image of {published.title} in {', '.join(sources)}: none of its folders is "
                f"called {' or '.join(domains)}; check --from."
            )
        made.replace(out)
    shutil.rmtree(fetched, ignore_errors=True)
    return out


def _new_folder(out: Path) -> Path:
    """The folder as a whole path.

    Raises:
        UserError: something is there already.
    """
    found = out.resolve()
    if found.is_dir() and any(found.iterdir()):
        raise UserError(
            f"{out} is not empty; choose another --out, or leave --from and --download out to "
            "compare what is there."
        )
    if Path.cwd().is_relative_to(found):
        raise UserError(f"{out} is the current folder or above it; choose another --out.")
    if found.exists() and not found.is_dir():
        raise UserError(f"{out} is a file; choose another --out.")
    return found


@contextmanager
def _beside(out: Path) -> Iterator[Path]:
    """A hidden folder beside another; those of processes that are gone are removed."""
    out.parent.mkdir(parents=True, exist_ok=True)
    for old in out.parent.glob(f".{glob.escape(out.name)}.*.unfinished"):
        if _is_abandoned(old.name):
            shutil.rmtree(old, ignore_errors=True)
    mark = f"{socket.gethostname()}-{os.getpid()}"
    unfinished = out.with_name(f".{out.name}.{mark}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        unfinished.mkdir()
        yield unfinished
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _is_abandoned(name: str) -> bool:
    """Whether the process of an unfinished folder was on this machine, and is gone."""
    found = re.search(r"\.([^/]+)-(\d+)\.unfinished$", name)
    if found is None or not name.endswith(f".{socket.gethostname()}-{found[2]}.unfinished"):
        return False
    try:
        os.kill(int(found[2]), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return int(found[2]) == os.getpid()


def _unpacked(place: Path, published: PublishedSet, into: Path) -> Iterator[tuple[Path, bool]]:
    """Folders to look for domains in, and whether what they hold may be moved.

    Raises:
        UserError: there is no such file or folder, or it is not what it is named.
    """
    if place.is_file():
        verify(place, published)
        found = unpack(place, into)
        logger.info("%s: %d images, %d other files", place.name, found.images, found.others)
        yield into, True
    elif not place.is_dir():
        raise UserError(f"no file or folder {place}; check --from.")
    elif domain_folders(place, published):
        yield place, False
    else:
        archives = [p for p in sorted(place.iterdir()) if p.suffix.lower() in _ARCHIVES]
        if not archives:
            raise UserError(
                f"{place} has neither folders called {', '.join(published.domains)} nor an "
                "archive; check --from."
            )
        for number, archive in enumerate(archives):
            yield from _unpacked(archive, published, into / str(number))


def verify(archive: Path, published: PublishedSet) -> None:
    """Hold an archive against the checksum of the published one of its name.

    Raises:
        UserError: it is another file.
    """
    known = published.archive_named(archive.name)
    if known is None or known.md5 is None:
        logger.info("no checksum is published for %s: its counts tell", archive.name)
        return
    found = hashlib.md5(usedforsecurity=False)
    size = archive.stat().st_size
    with archive.open("rb") as file:
        pieces = iter(lambda: file.read(_CHUNK), b"")
        for piece in track(pieces, f"verifying {archive.name} (x 4 MiB)", -(-size // _CHUNK)):
            found.update(piece)
    if found.hexdigest() != known.md5:
        raise UserError(
            f"{archive} is not the published file: its MD5 is {found.hexdigest()} and not "
            f"{known.md5}; get it once more, or, if you packed it yourself, give it another name."
        )
