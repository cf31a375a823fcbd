"""Every file below a folder counts once, and the sum is what `find` counts."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from genmix_da.data.accounts import Files
from genmix_da.data.check import check_data


def counted(root: Path) -> int:
    """Number of files that `find` sees, links followed."""
    found = subprocess.run(
        ["find", "-L", str(root), "-type", "f", "-print0"], capture_output=True, check=False
    )
    return found.stdout.count(b"\0")


def balanced(root: Path) -> Files:
    """The files of a folder, whose sum is that of `find`."""
    files = check_data(root).files
    parts = files.read + len(files.skipped) + len(files.lists) + files.hidden
    assert parts + sum(files.others.values()) == files.total == counted(root)
    return files


@pytest.fixture
def nasty(make_data: Callable, tmp_path: Path) -> Path:
    """A folder with everything that people and their machines leave in one."""
    outside = make_data(tmp_path / "outside", ("Far",), ("a", "b"), 2)
    root = make_data(tmp_path / "nasty", ("Art", "Photo"), ("a", "b"), 3)
    art = root / "Art"
    (art / "a" / "zero.png").touch()
    (art / "a" / "sub" / "deep").mkdir(parents=True)
    shutil.copy(art / "a" / "00.jpg", art / "a" / "sub" / "deep" / "new\nline.JPG")
    (art / "a" / "notes.txt").write_text("notes")
    (art / "a" / ".hidden.png").touch()
    (art / "a" / "@eaDir").mkdir()
    (art / "a" / "@eaDir" / "thumb.jpg").touch()
    (art / "Thumbs.db").touch()
    (art / "empty").mkdir()
    (art / "loop").symlink_to(art)
    (art / "a" / "back").symlink_to(root)
    (art / "a" / "gone.jpg").symlink_to("nowhere.jpg")
    (art / "a" / "link.jpg").symlink_to(art / "b" / "00.jpg")
    shutil.copy(art / "a" / "00.jpg", art / "loose.jpg")
    shutil.copy(art / "a" / "00.jpg", root / "picture.jpg")
    os.mkfifo(art / "a" / "pipe.jpg")
    (root / ".git" / "objects").mkdir(parents=True)
    (root / ".git" / "objects" / "pack.jpg").touch()
    (root / ".git" / "HEAD").touch()
    (root / "readme.TXT").write_text("read me")
    (root / "LICENSE").write_text("free")
    (root / "meta.json").write_text("{}")
    (root / "Far").symlink_to(outside / "Far")
    (root / "Pen.txt").write_text("Photo/a/00.jpg 0\nPen/nowhere.jpg 1\n")
    return root


def test_a_nasty_folder_is_accounted_for(nasty: Path) -> None:
    files = balanced(nasty)
    art = nasty / "Art"
    assert files.read == 6 + 6 + 4 + 2  # Art, Photo, Far; one deep down and one link to an image
    assert dict(files.skipped) == {
        str(art / "a" / "zero.png"): "zero bytes",
        str(art / "loose.jpg"): "beside the class folders",
        str(nasty / "picture.jpg"): "beside the folders that are read",
    }
    assert files.lists == (str(nasty / "Pen.txt"),)
    assert files.others == {".txt": 2, "without ending": 1, ".json": 1}
    assert files.hidden == 5
    assert dict(files.no_files).keys() == {
        str(art / "a" / "back"),
        str(nasty / "Pen" / "nowhere.jpg"),
        str(art / "empty"),
        str(art / "loop"),
        str(art / "a" / "gone.jpg"),
        str(art / "a" / "pipe.jpg"),
    }
    assert files.elsewhere == 0


def test_a_clean_folder_has_nothing_but_images(data: Path) -> None:
    files = balanced(data)
    assert (files.read, files.total) == (216, 216)
    assert files.skipped == files.lists == files.no_files == ()


def test_images_that_a_list_does_not_name_are_skipped(make_data: Callable, tmp_path: Path) -> None:
    root = make_data(tmp_path / "own", ("Art", "Photo"), ("a", "b"), 2)
    (root / "Art" / "image_unida_list.txt").write_text("Art/a/00.jpg 0\nArt/b/00.jpg 1\n")
    files = balanced(root)
    reason = "not in image_unida_list.txt"
    assert files.skipped == tuple(
        (str(root / "Art" / name / "01.png"), reason) for name in ("a", "b")
    )
    assert files.read == 6
    assert not check_data(root).clean


def test_images_beside_parts_are_skipped(make_data: Callable, tmp_path: Path) -> None:
    root = tmp_path / "own"
    make_data(root / "Art", ("train", "test"), ("a", "b"), 2)
    make_data(root, ("Photo",), ("a", "b"), 2)
    extra = root / "Art" / "extra" / "x.jpg"
    extra.parent.mkdir()
    shutil.copy(root / "Photo" / "a" / "00.jpg", extra)
    assert balanced(root).skipped == ((str(extra), "beside the parts"),)


def test_a_second_link_to_a_folder_is_said(make_data: Callable, tmp_path: Path) -> None:
    root = make_data(tmp_path / "own", ("Art",), ("a", "b"), 2)
    (root / "Copy").symlink_to(root / "Art")
    files = check_data(root).files
    assert (files.total, files.read, files.elsewhere) == (4, 4, 4)


def test_paths_of_a_list_need_not_be_written_as_they_are_walked(
    make_data: Callable, tmp_path: Path
) -> None:
    root = make_data(tmp_path / "own", ("pool",), ("a", "b"), 2)
    table = "path,label,domain\n../own/pool/a/00.jpg,x,Pen\npool/b/00.jpg,y,Pen\n"
    (root / "labels.csv").write_text(table)
    files = balanced(root)
    # The folder is a domain of its own, and one of its images is read once more by another path.
    assert (files.read, files.skipped, files.elsewhere) == (4, (), 1)
    shutil.rmtree(root / "pool" / "b")
    (root / "labels.csv").write_text("path,label,domain\n../own/Pen/a/00.jpg,x,Pen\n")
    (root / "pool").rename(root / "Pen")
    files = balanced(root)
    assert (files.read, files.elsewhere) == (1, 0)
    assert files.skipped == ((str(root / "Pen" / "a" / "01.png"), "not in labels.csv"),)


def test_a_list_in_place_of_a_folder(make_data: Callable, tmp_path: Path) -> None:
    root = make_data(tmp_path / "own", ("Art",), ("a", "b"), 2)
    table = root / "own.csv"
    table.write_text("path,label\nArt/a/00.jpg,x\nArt/b/00.jpg,y\nArt/b/gone.jpg,y\n")
    files = check_data(table).files
    assert (files.total, files.read, files.lists) == (3, 2, (str(table),))
    assert files.no_files == ((str(root / "Art/b/gone.jpg"), "No such file or directory"),)
