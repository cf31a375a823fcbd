"""Unpacking: images come out whole, and hostile or damaged archives leave one sentence."""

from __future__ import annotations

import gzip
import io
import stat
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from genmix_da.data.unpack import Limits, unpack
from genmix_da.errors import UserError

IMAGE = bytes(range(256)) * 20
Files = Mapping[str, bytes]


def zipped(path: Path, files: Files, compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def tarred(path: Path, files: Files) -> Path:
    mode = {".gz": "w:gz", ".bz2": "w:bz2", ".xz": "w:xz"}.get(path.suffix, "w")
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


GOOD = {"top/Art/Bed/1.jpg": IMAGE, "top/Art/Bed/2.PNG": b"x", "top/list.csv": b"a,b"}
KINDS: list[tuple[str, Callable[[Path, Files], Path]]] = [
    ("a.zip", zipped),
    *((name, tarred) for name in ("a.tar", "a.tar.gz", "a.tar.bz2", "a.tar.xz")),
]


def refused(archive: Path, tmp_path: Path, limits: Limits | None = None) -> str:
    with pytest.raises(UserError) as caught:
        unpack(archive, tmp_path / "out", limits)
    said = str(caught.value)
    assert said.endswith(".") and "\n" not in said
    return said


@pytest.mark.parametrize(("name", "pack"), KINDS)
def test_images_come_out_and_the_rest_stays_inside(
    name: str, pack: Callable[[Path, Files], Path], tmp_path: Path
) -> None:
    hidden = {"__MACOSX/top/Art/Bed/._1.jpg": b"x", "top/.thumbs/1.jpg": b"x"}
    found = unpack(pack(tmp_path / name, GOOD | hidden), tmp_path / "out")
    assert (found.images, found.others) == (2, 3)
    files = {str(p.relative_to(tmp_path / "out")): p.read_bytes() for p in walked(tmp_path)}
    assert files == {name: content for name, content in GOOD.items() if "list" not in name}


def walked(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


def test_names_of_windows_are_folders(tmp_path: Path) -> None:
    unpack(tarred(tmp_path / "a.tar", {"Art\\Bed\\1.jpg": IMAGE}), tmp_path / "out")
    assert (tmp_path / "out" / "Art" / "Bed" / "1.jpg").read_bytes() == IMAGE


@pytest.mark.parametrize(
    "name", ["../up.jpg", "a/../../up.jpg", "/up.jpg", "C:\\up.jpg", "..\\u.jpg"]
)
@pytest.mark.parametrize(("file", "pack"), KINDS[:2])
def test_names_that_lead_elsewhere(
    file: str, pack: Callable[[Path, Files], Path], name: str, tmp_path: Path
) -> None:
    archive = pack(tmp_path / file, {name: IMAGE})
    assert "would be written elsewhere" in refused(archive, tmp_path)
    assert walked(tmp_path) == []
    assert not (tmp_path / "up.jpg").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar(kind: bytes, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        info = tarfile.TarInfo("Art/1.jpg")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    assert "no regular file" in refused(tmp_path / "a.tar", tmp_path)


def test_links_in_a_zip(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        info = zipfile.ZipInfo("Art/1.jpg")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    assert "no regular file" in refused(tmp_path / "a.zip", tmp_path)


@pytest.mark.parametrize(("name", "pack"), [KINDS[0], KINDS[2]])
@pytest.mark.parametrize("inside", ["zeros.jpg", "zeros.bin"])
def test_bombs(name: str, pack: Callable[[Path, Files], Path], inside: str, tmp_path: Path) -> None:
    archive = pack(tmp_path / name, {"1.jpg": IMAGE, inside: bytes(1 << 20)})
    limits = Limits(ratio=10, free=1 << 16)
    assert "would unpack to more than" in refused(archive, tmp_path, limits)
    assert sum(path.stat().st_size for path in walked(tmp_path)) < 1 << 18


def test_too_many_files(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {f"{n}.jpg": b"x" for n in range(11)})
    assert "10 files" in refused(archive, tmp_path, Limits(files=10))


def test_a_header_that_claims_gigabytes(tmp_path: Path) -> None:
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 8 << 30
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(info.tobuf(tarfile.GNU_FORMAT)))
    assert "claims more than it may" in refused(tmp_path / "a.tar.gz", tmp_path)


@pytest.mark.parametrize(("name", "pack"), KINDS)
def test_cut_off_anywhere(name: str, pack: Callable[[Path, Files], Path], tmp_path: Path) -> None:
    whole = pack(tmp_path / name, {f"Art/{n}.jpg": IMAGE for n in range(3)}).read_bytes()
    # The last blocks of a plain tar are padding.
    last = len(whole) - (9 * 1024 if name == "a.tar" else 1)
    for length in (5, len(whole) // 3, len(whole) // 2, last, *range(512, last, 2560)):
        (tmp_path / name).write_bytes(whole[:length])
        said = refused(tmp_path / name, tmp_path / str(length))
        assert "damaged or cut off" in said or "neither" in said


@pytest.mark.parametrize(("name", "pack"), KINDS)
def test_changed_bytes_are_found_or_harmless(
    name: str, pack: Callable[[Path, Files], Path], tmp_path: Path
) -> None:
    whole = pack(tmp_path / name, {f"Art/{n}.jpg": IMAGE for n in range(2)}).read_bytes()
    for place in range(0, len(whole), max(len(whole) // 40, 1)):
        changed = bytearray(whole)
        changed[place] ^= 0xFF
        (tmp_path / name).write_bytes(changed)
        try:
            unpack(tmp_path / name, tmp_path / f"out{place}")
        except UserError as error:
            assert len(str(error).split()) > 5


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "neither"), (b"<html>Sign in</html>", "neither"), (b"PK\x03\x04rest", "damaged")],
)
def test_what_is_no_archive(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    assert said in refused(tmp_path / "a.zip", tmp_path)


def test_an_archive_without_images(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"readme.txt": b"x", "Art/": b""})
    assert "holds no image" in refused(archive, tmp_path)


def test_a_name_twice(tmp_path: Path) -> None:
    with pytest.warns(UserWarning), zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("1.jpg", b"x")
        archive.writestr("1.jpg", b"y")
    assert "twice" in refused(tmp_path / "a.zip", tmp_path)


def test_a_password(tmp_path: Path) -> None:
    content = bytearray(zipped(tmp_path / "a.zip", {"1.jpg": IMAGE}).read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + offset] |= 1
    (tmp_path / "a.zip").write_bytes(content)
    assert "password" in refused(tmp_path / "a.zip", tmp_path)
