"""Layouts on disk: which folders are parts, which are classes, and what is said of others."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from PIL import Image

from genmix_da.classify.datasets import find_parts
from genmix_da.errors import UserError


def put(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4)).save(path)
    return root


def of(names: Iterable[str], part: str = "") -> list[str]:
    return [f"{part}{name}/{n}.png" for name in names for n in range(2)]


def test_class_folders_alone(tmp_path: Path) -> None:
    parts = find_parts(str(put(tmp_path / "photos", *of("ab"))))
    assert (parts.name, parts.train.classes) == ("photos", ("a", "b"))
    assert len(parts.train.images) == 4
    assert parts.val is None
    assert parts.test is None


@pytest.mark.parametrize(
    ("others", "val", "test"),
    [
        (("val",), None, "val"),
        (("valid",), None, "valid"),
        (("validation",), None, "validation"),
        (("test",), None, "test"),
        (("test", "val"), "val", "test"),
        ((), None, None),
    ],
)
def test_parts(tmp_path: Path, others: tuple[str, ...], val: str | None, test: str | None) -> None:
    root = put(tmp_path / "photos", *of("ab", "train/"))
    for part in others:
        put(root, f"{part}/a/0.png", f"{part}/b/0.png")
    parts = find_parts(str(root))
    assert parts.name == "photos"
    assert [p.parent.parent.name for p in parts.train.images] == ["train"] * 4
    assert (parts.val.folder.name if parts.val else None) == val
    assert (parts.test.folder.name if parts.test else None) == test


def test_classes_named_like_parts_are_classes(tmp_path: Path) -> None:
    parts = find_parts(str(put(tmp_path, *of(("bus", "test", "train")))))
    assert parts.train.classes == ("bus", "test", "train")
    assert parts.test is None


def test_images_deeper_below_their_class(tmp_path: Path) -> None:
    put(tmp_path, "a/0.png", "a/more/1.png", "b/0.png", "b/.thumbnails/0.png", "b/.1.png")
    parts = find_parts(str(tmp_path))
    assert parts.train.labels == ("a", "a", "b")


def test_folder_of_domains(tmp_path: Path) -> None:
    put(tmp_path, *of("ab", "Art/"), *of("ab", "Clipart/"))
    with pytest.raises(UserError, match="holds domains, not classes: Art has class folders"):
        find_parts(str(tmp_path))
    assert find_parts(str(tmp_path / "Art")).train.classes == ("a", "b")


def test_views_of_classes_are_no_classes(tmp_path: Path) -> None:
    views = [f"{name}/{view}/0.png" for name in "abc" for view in ("left", "right")]
    parts = find_parts(str(put(tmp_path / "photos", *views)))
    assert parts.train.classes == ("a", "b", "c")
    assert len(parts.train.images) == 6


def test_folders_inside_of_other_names_are_no_classes(tmp_path: Path) -> None:
    parts = find_parts(str(put(tmp_path, *of(("2019", "2020"), "a/"), *of(("x", "y"), "b/"))))
    assert parts.train.classes == ("a", "b")


def test_an_image_beside_them_says_that_folders_are_classes(tmp_path: Path) -> None:
    put(tmp_path, *of(("left", "right"), "a/"), *of(("left", "right"), "b/"))
    with pytest.raises(UserError, match="or, if it is a class, move its images out"):
        find_parts(str(tmp_path))
    put(tmp_path, "a/0.png")
    assert find_parts(str(tmp_path)).train.classes == ("a", "b")


def test_tiny_imagenet_as_unzipped(tmp_path: Path) -> None:
    root = put(tmp_path, "train/n01/images/n01_0.png", "train/n02/images/n02_0.png")
    put(root, "val/images/val_0.png", "val/images/val_1.png", "test/images/test_0.png")
    lines = "val_0.png\tn02\t0\t0\t62\t62\nval_1.png\tn01\t0\t0\t9\t9\n"
    (root / "val" / "val_annotations.txt").write_text(lines)
    parts = find_parts(str(root))
    assert parts.train.labels == ("n01", "n02")
    assert parts.test is not None
    assert parts.test.labels == ("n02", "n01")
    assert parts.test.images[0] == root / "val" / "images" / "val_0.png"


def test_annotations_in_another_encoding(tmp_path: Path) -> None:
    root = put(tmp_path, *of(("é", "b"), "train/"), "val/images/0.png")
    (root / "val" / "val_annotations.txt").write_bytes("0.png\té\n".encode("latin-1"))
    test = find_parts(str(root)).test
    assert test is not None and test.labels == ("é",)


def test_another_folder_to_test_on(tmp_path: Path) -> None:
    root = put(tmp_path / "photos", *of("ab", "train/"), *of("ab", "val/"))
    other = put(tmp_path / "other", "a/9.png")
    parts = find_parts(str(root), str(other))
    assert parts.test is not None
    assert parts.test.images == (other / "a" / "9.png",)


def listed(file: Path, *lines: str) -> str:
    file.write_text("\n".join(lines) + "\n")
    return str(file)


def test_a_list_is_a_data_set(tmp_path: Path) -> None:
    put(tmp_path / "all", *of("ab"))
    lines = [f"all/{name} {name[0]}" for name in of("ab")]
    parts = find_parts(listed(tmp_path / "photos.txt", *lines))
    assert (parts.name, parts.train.classes) == ("photos", ("a", "b"))
    assert parts.train.images == find_parts(str(tmp_path / "all")).train.images
    assert parts.test is None
    test = find_parts(str(tmp_path / "all"), listed(tmp_path / "test.txt", *lines[:3])).test
    assert test is not None
    assert test.labels == ("a", "a", "b")


def test_a_table_that_names_the_parts(tmp_path: Path) -> None:
    put(tmp_path, *of("ab", "x/"))
    rows = ["x/a/0.png,A,train", "x/a/1.png,a,Validation", "x/b/0.png,b,train", "x/b/1.png,b,test"]
    parts = find_parts(listed(tmp_path / "labels.csv", "path,label,split", *rows))
    assert parts.train.labels == ("A", "b")
    assert parts.val is not None and parts.val.labels == ("A",)
    assert parts.test is not None and parts.test.labels == ("b",)
    inside = find_parts(str(tmp_path))  # the table of a folder is what the folder says of itself
    assert inside.train.images == parts.train.images
    rest = listed(tmp_path / "rest.csv", "path,label,split", rows[3])
    with pytest.raises(UserError, match="has the parts test and no training images"):
        find_parts(rest)


def test_an_archive(tmp_path: Path) -> None:
    (tmp_path / "set.zip").write_bytes(b"PK")
    with pytest.raises(UserError, match=r"set.zip is an archive; unpack it and give the folder"):
        find_parts(str(tmp_path / "set.zip"))


def test_no_such_folder_nor_name() -> None:
    with pytest.raises(UserError, match="'nowhere' is neither a folder nor one of torchvision"):
        find_parts("nowhere")
    with pytest.raises(UserError, match="did you mean 'flowers102'"):
        find_parts("Flower-102")


@pytest.mark.parametrize("name", ["", " "])
def test_empty_names_are_not_the_current_folder(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, *of("ab"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="--data is empty; name a folder"):
        find_parts(name)
    with pytest.raises(UserError, match="--test-data is empty"):
        find_parts(".", name)


def test_no_images(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(UserError, match="no image under"):
        find_parts(str(tmp_path))


def test_images_without_classes(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no class folders, so they have no labels"):
        find_parts(str(put(tmp_path, "0.png", "1.png")))


def test_test_folder_that_is_not_there(tmp_path: Path) -> None:
    put(tmp_path, *of("ab"))
    with pytest.raises(UserError, match=r"no folder .*gone"):
        find_parts(str(tmp_path), str(tmp_path / "gone"))
