"""What counts as an image, a class and a system's own entry, at any depth."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from empty_files import touch
from genmix_da.data.entries import has_images, is_hidden, is_image, subfolders, walk
from genmix_da.data.folders import all_images, folder_domain

SYSTEM = (
    *(".git", ".ipynb_checkpoints", "._a.jpg", "@eaDir", "__MACOSX", "Thumbs.db", "desktop.ini"),
    *("$RECYCLE.BIN", "lost+found", "System Volume Information", ".DS_Store", "#recycle"),
)


@pytest.mark.parametrize("name", SYSTEM)
def test_a_system_s_own_entries_are_nobody_s(name: str, tmp_path: Path) -> None:
    assert is_hidden(name) and not is_image(Path(name))
    touch(tmp_path, "a/1.jpg", "b/2.jpg", f"{name}/3.jpg", f"a/{name}/cover.jpg/THUMB.jpg")
    domain = folder_domain(tmp_path)
    assert domain.classes == ("a", "b")
    assert [path.name for path in domain.images] == ["1.jpg", "2.jpg"]
    assert [path.name for path in all_images(tmp_path).images] == ["1.jpg", "2.jpg"]
    assert name not in {path.name for path in subfolders(tmp_path)}


def test_images_lie_at_any_depth_and_in_order(tmp_path: Path) -> None:
    touch(tmp_path, "cup/z.jpg", "cup/left/b.png", "cup/left/far/a.webp", "cup/a.jpg", "mug/1.jpg")
    domain = folder_domain(tmp_path)
    assert [str(path.relative_to(tmp_path)) for path in domain.images] == [
        *("cup/a.jpg", "cup/left/b.png", "cup/left/far/a.webp", "cup/z.jpg", "mug/1.jpg")
    ]
    assert domain.labels == ("cup",) * 4 + ("mug",)


def test_links_are_followed_once_and_loops_end(tmp_path: Path) -> None:
    touch(tmp_path, "store/1.jpg", "store/2.jpg", "data/a/0.jpg", "data/b/0.jpg")
    (tmp_path / "data/a/linked").symlink_to(tmp_path / "store", target_is_directory=True)
    (tmp_path / "data/a/again").symlink_to(tmp_path / "store", target_is_directory=True)
    (tmp_path / "data/a/loop").symlink_to(tmp_path / "data/a", target_is_directory=True)
    (tmp_path / "data/b/gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (tmp_path / "data/b/one.jpg").symlink_to(tmp_path / "store/1.jpg")
    domain = folder_domain(tmp_path / "data")
    assert [path.name for path in domain.images] == ["0.jpg", "1.jpg", "2.jpg", "0.jpg", "one.jpg"]
    assert dict(domain.left_out) == {
        str(tmp_path / "data/a/linked"): "a link to a folder that was read already",
        str(tmp_path / "data/a/loop"): "a link to a folder that was read already",
        str(tmp_path / "data/b/gone.jpg"): "a link to nothing",
    }


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_cannot_be_entered_is_named(tmp_path: Path) -> None:
    touch(tmp_path, "a/1.jpg", "a/locked/2.jpg", "b/1.jpg")
    (tmp_path / "a/locked").chmod(0)
    try:
        assert dict(folder_domain(tmp_path).left_out) == {
            str(tmp_path / "a/locked"): "permission denied"
        }
    finally:
        (tmp_path / "a/locked").chmod(0o755)


def test_every_file_is_one_of_four_kinds(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "b/c.PNG", "notes.txt", "model.pth", ".hidden.jpg", "b/Thumbs.db")
    (tmp_path / "broken.jpg").symlink_to("nowhere")
    found = walk(tmp_path)
    assert [path.name for path in found.images] == ["a.jpg", "c.PNG"]
    assert [path.name for path in found.others] == ["model.pth", "notes.txt"]
    assert [path.name for path in found.hidden] == [".hidden.jpg", "Thumbs.db"]
    assert [Path(path).name for path, _ in found.left_out] == ["broken.jpg"]


def test_whether_there_are_images(tmp_path: Path) -> None:
    touch(tmp_path, "deep/er/1.jpg", "none/notes.txt", "system/@eaDir/x.jpg")
    assert has_images(tmp_path / "deep")
    assert not has_images(tmp_path / "none")
    assert not has_images(tmp_path / "system")
    assert not has_images(tmp_path / "nowhere")
