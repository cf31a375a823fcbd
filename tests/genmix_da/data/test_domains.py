"""Domains on disk: which files count, in which order, with which class."""

from __future__ import annotations

from pathlib import Path

import pytest

from empty_files import touch
from genmix_da.data.domain import Domain, NoImageError
from genmix_da.data.domains import find_domains, load_domain
from genmix_da.data.entries import is_image
from genmix_da.data.folders import folder_domain
from genmix_da.errors import UserError


@pytest.mark.parametrize(
    "name", ["a.jpg", "a.JPG", "a.jpeg", "a.Png", "a b.webp", "a.tif", "é.gif"]
)
def test_image_names(name: str) -> None:
    assert is_image(Path(name))


@pytest.mark.parametrize("name", [".a.jpg", "._a.jpg", "a.txt", "a", "jpg", "a.jpg.part", "a.npy"])
def test_other_names(name: str) -> None:
    assert not is_image(Path(name))


def test_classes_and_images_are_sorted(tmp_path: Path) -> None:
    root = touch(tmp_path, "Art/b/2.jpg", "Art/b/10.jpg", "Art/a/z.png", "Art/a/.hidden.png")
    touch(root, "Art/.trash/x.jpg", "Art/empty/readme.txt", "Art/loose.jpg")
    domain = load_domain(root, "art")
    assert domain == Domain(
        "Art",
        root / "Art",
        (root / "Art/a/z.png", root / "Art/b/10.jpg", root / "Art/b/2.jpg"),
        ("a", "b", "b"),
        ("a", "b"),
        (
            (str(root / "Art/empty"), "a folder without images: no class"),
            (str(root / "Art/loose.jpg"), "beside the class folders"),
        ),
    )


def test_flat_folder_has_no_labels(tmp_path: Path) -> None:
    domain = folder_domain(touch(tmp_path / "photos", "b.jpg", "a.png", "c.txt"))
    assert domain.labels is None
    assert domain.classes == ()
    assert [path.name for path in domain.images] == ["a.png", "b.jpg"]


def test_folder_without_images(tmp_path: Path) -> None:
    with pytest.raises(NoImageError, match="no image under"):
        folder_domain(touch(tmp_path / "photos", "sub/c.txt"))


def test_images_is_a_class_where_there_are_others(tmp_path: Path) -> None:
    domain = folder_domain(touch(tmp_path / "d", "images/a.jpg", "other/b.jpg"))
    assert domain.classes == ("images", "other")


def test_find_domains_takes_folders_and_lists(tmp_path: Path) -> None:
    touch(tmp_path, "Art/a/x.jpg", ".git/x", "readme.txt", "file.jpg")
    (tmp_path / "Sketch.txt").write_text("sketch/a b/x.jpg 0\n")
    (tmp_path / "notes.txt").write_text("there are 3\n")
    found = find_domains(tmp_path)
    assert set(found) == {"Art", "Sketch"}
    assert found["Art"].folders == [(None, tmp_path / "Art")]
    assert found["Sketch"].lists == [(None, tmp_path / "Sketch.txt")]


def test_unique_beginning_names_a_domain(tmp_path: Path) -> None:
    touch(tmp_path, "amazon/a/x.jpg", "dslr/a/x.jpg", "webcam/a/x.jpg")
    assert load_domain(tmp_path, "W").name == "webcam"


def test_name_on_disk_wins_over_a_folder_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "root/Art/a/x.jpg", "here/Art/b/y.jpg")
    monkeypatch.chdir(tmp_path / "here")
    assert load_domain(tmp_path / "root", "Art").classes == ("a",)


def write_list(file: Path, *lines: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n")
    return file


def test_list_classes_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    touch(tmp_path, "d/pear/1.jpg", "d/apple/2.jpg", "d/apple/3.jpg")
    write_list(tmp_path / "d.txt", "d/apple/2.jpg 1", "", "d/pear/1.jpg 0", "d/apple/3.jpg 1")
    domain = load_domain(tmp_path, "d.txt")
    assert domain.labels == ("apple", "pear", "apple")
    assert domain.classes == ("pear", "apple")
    assert domain.images[0] == tmp_path / "d/apple/2.jpg"
    assert domain.folder == tmp_path / "d.txt"


@pytest.mark.parametrize("separator", [" ", "\t", "   "])
def test_list_paths_may_have_spaces(tmp_path: Path, separator: str) -> None:
    touch(tmp_path, "d/hot dog/my photo.jpg")
    write_list(tmp_path / "d.txt", f"d/hot dog/my photo.jpg{separator}7")
    domain = load_domain(tmp_path, "d.txt")
    assert domain.images == (tmp_path / "d/hot dog/my photo.jpg",)
    assert domain.classes == ("hot dog",)


def test_list_inside_a_domain_is_relative_to_it_or_to_the_root(tmp_path: Path) -> None:
    touch(tmp_path, "d/a/1.jpg", "d/b/2.jpg")
    write_list(tmp_path / "d" / "image_unida_list.txt", "a/1.jpg 0", "d/b/2.jpg 1")
    domain = load_domain(tmp_path, "d")
    assert domain.images == (tmp_path / "d/a/1.jpg", tmp_path / "d/b/2.jpg")
    assert domain.name == "d"


def test_list_paths_may_be_absolute(tmp_path: Path) -> None:
    touch(tmp_path, "far/a/1.jpg")
    (tmp_path / "root").mkdir()
    write_list(tmp_path / "root" / "d.txt", f"{tmp_path / 'far/a/1.jpg'} 0")
    assert load_domain(tmp_path / "root", "d").images == (tmp_path / "far/a/1.jpg",)


@pytest.mark.parametrize(
    "lines",
    [
        ("all/1.jpg 0", "all/2.jpg 1", "all/3.jpg 10"),  # one folder for all classes
        ("x/1.jpg 0", "y/2.jpg 0", "z/3.jpg 10", "z/4.jpg 1"),  # several folders for one class
    ],
)
def test_ambiguous_folders_leave_the_numbers_as_names(
    tmp_path: Path, lines: tuple[str, ...]
) -> None:
    write_list(tmp_path / "d.txt", *lines)
    domain = load_domain(tmp_path, "d")
    assert domain.classes == ("00", "01", "10")  # sorted as numbers, also as text


def test_missing_file_of_a_list_keeps_its_line(tmp_path: Path) -> None:
    touch(tmp_path, "d/a/1.jpg")
    write_list(tmp_path / "d.txt", "d/a/1.jpg 0", "d/a/2.jpg 0")
    assert load_domain(tmp_path, "d.txt").images[1] == tmp_path / "d/a/2.jpg"


@pytest.mark.parametrize("line", ["1.jpg", "d/a/1.jpg one", "5", "d/a/1.jpg -1"])
def test_malformed_line_is_named(tmp_path: Path, line: str) -> None:
    write_list(tmp_path / "d.txt", "d/a/1.jpg 0", line)
    with pytest.raises(UserError, match=r"line 2 of .*d\.txt"):
        load_domain(tmp_path, "d")


def test_empty_list(tmp_path: Path) -> None:
    write_list(tmp_path / "d" / "image_unida_list.txt", "")
    with pytest.raises(UserError, match="is empty"):
        load_domain(tmp_path, "d")
