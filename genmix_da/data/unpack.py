"""Unpack the images of a zip or tar that may be damaged or hostile.

Nothing is trusted: names that lead elsewhere, links, devices and passwords are refused, sizes are
counted while they are written, and what does not end as it should is no archive. Files that are no
images stay inside.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Any

from genmix_da.data.entries import is_hidden, is_image
from genmix_da.errors import UserError
from genmix_da.progress import bar

_CHUNK = 1 << 20
_HEADER = 64 << 20  # bytes that the name of a tar's member may claim
_MIB = 1 << 20
_DAMAGE = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, gzip.BadGzipFile),
    *(EOFError, struct.error, NotImplementedError, RuntimeError, UnicodeError, ValueError),
)


@dataclass(frozen=True)
class Limits:
    """What an archive may become.

    Attributes:
        files: their number.
        size: bytes of all together.
        ratio: of these to the archive's own; images hardly shrink.
        free: bytes that are allowed whatever the ratio.
    """

    files: int = 2_000_000
    size: int = 100 << 30
    ratio: int = 100
    free: int = 256 << 20


@dataclass(frozen=True)
class Unpacked:
    """What came out.

    Attributes:
        images: number of files written.
        others: number of files that are no images and were left inside.
    """

    images: int
    others: int


@dataclass(frozen=True)
class _Member:
    """A regular file.

    Attributes:
        name: in the archive.
        size: bytes that the archive claims.
        place: bytes of the archive up to here.
        content: opens it.
    """

    name: str
    size: int
    place: int
    content: Any


def unpack(archive: Path, into: Path, limits: Limits | None = None) -> Unpacked:
    """Write the images of an archive below a folder.

    Args:
        archive: .zip, .tar, .tar.gz, .tar.bz2 or .tar.xz, told by its content.
        into: a folder, made here. What is in it after an error is of no use.
        limits: of what comes out.

    Raises:
        UserError: it is no archive, damaged, cut off, hostile or beyond the limits.
    """
    counted = _Counted(archive, limits or Limits())
    into.mkdir(parents=True, exist_ok=True)
    images = others = 0
    with bar(f"unpacking {archive.name} (MiB)") as advance:
        try:
            for member in _members(archive):
                counted.announce(member.size)
                path = _safe(member.name, archive)
                if any(map(is_hidden, path.parts)) or not is_image(Path(path)):
                    others += 1
                    continue
                _write(member, into / path, counted)
                images += 1
                advance(member.place // _MIB, counted.own // _MIB)
        except (*_DAMAGE, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # the disk's, not the archive's
            raise UserError(
                f"{archive} is damaged or cut off ({_reason(error)}); get it once more."
            ) from error
    if not images:
        raise UserError(f"{archive} holds no image; check that it is the archive of the data set.")
    return Unpacked(images, others)


class _Counted:
    """Sizes so far, against the limits."""

    def __init__(self, archive: Path, limits: Limits) -> None:
        self.own = archive.stat().st_size
        self._announced = self._written = self._files = 0
        self._archive, self._limits = archive, limits
        self._most = min(limits.size, max(limits.free, limits.ratio * self.own))

    def announce(self, size: int) -> None:
        """A member with the size that the archive claims."""
        self._files += 1
        self._announced += size
        if self._files > self._limits.files or self._announced > self._most:
            self._refuse()

    def add(self, size: int) -> None:
        """Bytes that came out."""
        self._written += size
        if self._written > self._most:
            self._refuse()

    def _refuse(self) -> None:
        raise UserError(
            f"{self._archive} would unpack to more than {self._most // _MIB} MiB or "
            f"{self._limits.files} files, which no data set of images does; unpack it yourself and "
            "give the folder if you trust it."
        )


def _safe(name: str, archive: Path) -> PurePosixPath:
    """A member's name as a path that stays inside.

    Raises:
        UserError: it leads elsewhere.
    """
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or PureWindowsPath(name).drive or ".." in path.parts or not path.parts:
        raise UserError(
            f"{archive} holds a file that would be written elsewhere ({name!r}); don't use it."
        )
    return path


def _write(member: _Member, target: Path, counted: _Counted) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    try:
        file = target.open("xb")
    except FileExistsError as error:
        raise UserError(f"the archive holds {member.name!r} twice; get it once more.") from error
    with member.content() as content, file:
        while piece := content.read(_CHUNK):
            counted.add(len(piece))
            written += len(piece)
            file.write(piece)
    if written != member.size:
        raise EOFError(f"{member.name} ends early")


def _members(archive: Path) -> Iterator[_Member]:
    """The regular files.

    Raises:
        UserError: it is no archive, or holds links, devices or secrets.
    """
    with archive.open("rb") as file:
        start = file.read(6)
    if start[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        yield from _of_zip(archive)
        return
    openers: dict[bytes, Any] = {
        b"\x1f\x8b": gzip.open,
        b"BZh": bz2.open,
        b"\xfd7zXZ\x00": lzma.open,
    }
    opener = next((o for mark, o in openers.items() if start.startswith(mark)), None)
    if opener is None and not tarfile.is_tarfile(archive):
        raise UserError(
            f"{archive} is neither a .zip nor a .tar; a download may be a page that asks "
            "something, so fetch it with a browser."
        )
    with archive.open("rb") as raw, opener(raw) if opener else raw as file:
        yield from _of_tar(archive, _Narrow(file), raw)


def _of_zip(archive: Path) -> Iterator[_Member]:
    place = 0
    with zipfile.ZipFile(archive) as held:
        for info in held.infolist():
            mode = info.external_attr >> 16
            if stat.S_IFMT(mode) and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                _refuse_kind(archive, info.filename)
            if info.flag_bits & 1:
                raise UserError(f"{archive} asks for a password; unpack it and give the folder.")
            place += info.compress_size
            if not info.is_dir():

                def content(info: zipfile.ZipInfo = info) -> IO[bytes]:
                    return held.open(info)

                yield _Member(info.filename, info.file_size, place, content)


def _of_tar(archive: Path, file: _Narrow, raw: IO[bytes]) -> Iterator[_Member]:
    with tarfile.open(fileobj=file, mode="r:") as held:  # type: ignore[call-overload]
        while (info := held.next()) is not None:
            held.members.clear()  # a million of them would take a gigabyte
            if info.isdir():
                continue
            if not info.isreg() or info.issparse():
                _refuse_kind(archive, info.name)

            def content(info: tarfile.TarInfo = info) -> IO[bytes]:
                found: IO[bytes] | None = held.extractfile(info)
                assert found is not None  # a regular file
                return found

            yield _Member(info.name, info.size, raw.tell(), content)
        # Where a tar is cut off between two files, or a header is damaged, tarfile just ends.
        if file.last != tarfile.NUL * tarfile.BLOCKSIZE:
            raise EOFError("its end is missing")
        for _ in range(_HEADER // _CHUNK):  # the checksum of a compressed one comes last
            if not file.read(_CHUNK):
                break


class _Narrow:
    """A file of which no more is read at once than a header may need.

    Attributes:
        last: what was read last.
    """

    def __init__(self, file: Any) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell
        self.last = b""

    def read(self, size: int = -1) -> bytes:
        """See `io.RawIOBase.read`."""
        if not 0 <= size <= _HEADER:
            raise tarfile.ReadError("a header claims more than it may")
        self.last = self._file.read(size)
        return self.last


def _refuse_kind(archive: Path, name: str) -> None:
    raise UserError(
        f"{archive} holds a link or something else that is no regular file ({name!r}); unpack it "
        "yourself and give the folder if you trust it."
    )


def _reason(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
