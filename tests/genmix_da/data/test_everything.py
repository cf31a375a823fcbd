"""What kind of folder it is: domains, one data set, parts, a list."""

from __future__ import annotations

from pathlib import Path

import pytest

from empty_files import touch
from genmix_da.data.everything import Everything, read_everything
from genmix_da.errors import UserError
from office_home.benchmarks import VISDA_CLASSES


def names(everything: Everything) -> list[str]:
    return [held.domain.name for held in everything.held]


def parts(everything: Everything) -> dict[str, int]:
    return {part: len(images) for part, images in everything.held[0].parts.items()}


def test_domains(tmp_path: Path) -> None:
    touch(tmp_path, "Art/a/1.jpg", "Art/b/1.jpg", "Photo/a/1.jpg", "Flat/1.jpg")
    found = read_everything(tmp_path)
    assert (names(found), found.one) == (["Art", "Flat", "Photo"], False)
    assert all(held.parts == {} for held in found.held)


def test_class_folders_are_one_data_set(tmp_path: Path) -> None:
    root = touch(tmp_path / "photos", "mug/1.jpg", "pen/1.jpg", "pen/left/2.jpg", "cup/1.jpg")
    found = read_everything(root)
    assert (names(found), found.one) == (["photos"], True)
    assert found.held[0].domain.classes == ("cup", "mug", "pen")


def test_an_image_that_went_astray_makes_no_class_of_a_domain(tmp_path: Path) -> None:
    touch(tmp_path, "Art/a/1.jpg", "Art/b/1.jpg", "Art/loose.jpg")
    assert names(read_everything(tmp_path)) == ["Art"]


def test_images_alone_are_one_data_set_without_classes(tmp_path: Path) -> None:
    found = read_everything(touch(tmp_path / "photos", "1.jpg", "2.jpg"))
    assert (names(found), found.held[0].domain.labels) == (["photos"], None)


def test_the_folder_images_of_one_domain_is_passed_over(tmp_path: Path) -> None:
    root = touch(tmp_path / "amazon", "images/a/1.jpg", "images/b/1.jpg")
    found = read_everything(root)
    assert (names(found), found.held[0].domain.classes) == (["amazon"], ("a", "b"))


def test_parts_of_one_data_set(tmp_path: Path) -> None:
    root = touch(tmp_path / "pets", "train/a/1.jpg", "train/b/1.jpg", "Test/a/2.jpg")
    found = read_everything(root)
    assert (names(found), found.one) == (["pets"], True)
    assert parts(found) == {"train": 2, "test": 1}


def test_parts_that_are_published_domains(tmp_path: Path) -> None:
    for name in VISDA_CLASSES:
        touch(tmp_path, f"train/{name}/1.jpg", f"validation/{name}/1.jpg")
    found = read_everything(tmp_path)
    assert (names(found), found.one) == (["train", "validation"], False)


def test_parts_above_and_below_the_domains(tmp_path: Path) -> None:
    above = touch(tmp_path / "above", "train/Art/a/1.jpg", "train/Art/b/1.jpg", "test/Art/a/2.jpg")
    below = touch(tmp_path / "below", "Art/train/a/1.jpg", "Art/train/b/1.jpg", "Art/test/a/2.jpg")
    for root in (above, below):
        found = read_everything(root)
        assert (names(found), parts(found)) == (["Art"], {"train": 2, "test": 1})


def test_parts_of_a_table(tmp_path: Path) -> None:
    touch(tmp_path, "x/1.jpg", "x/2.jpg", "x/3.jpg")
    lines = "path,label,domain,part\nx/1.jpg,a,Art,train\nx/2.jpg,b,Art,test\nx/3.jpg,a,Pen,train\n"
    (tmp_path / "labels.csv").write_text(lines)
    for root in (tmp_path, tmp_path / "labels.csv"):
        found = read_everything(root)
        held = {one.domain.name: one for one in found.held}
        assert {part: len(own) for part, own in held["Art"].parts.items()} == {
            "train": 1,
            "test": 1,
        }
        assert held["Art"].lists == (tmp_path / "labels.csv",)
        assert {part: len(own) for part, own in held["Pen"].parts.items()} == {"train": 1}


def test_a_table_without_domains_is_one_data_set(tmp_path: Path) -> None:
    root = touch(tmp_path / "photos", "images/1.jpg", "images/2.jpg")
    (root / "labels.csv").write_text("path,label\nimages/1.jpg,a\nimages/2.jpg,b\n")
    found = read_everything(root)
    assert (names(found), found.one) == (["photos"], True)
    assert found.held[0].domain.classes == ("a", "b")
    assert found.held[0].lists == (root / "labels.csv",)


def test_folders_without_an_image_are_hollow(tmp_path: Path) -> None:
    root = touch(tmp_path, "Art/a/1.jpg", "Art/b/1.jpg", "docs/readme.txt")
    assert read_everything(root).hollow == (root / "docs",)


@pytest.mark.parametrize("made", [(), ("docs/readme.txt",), ("readme.txt",)])
def test_nothing_to_read_is_an_error(tmp_path: Path, made: tuple[str, ...]) -> None:
    with pytest.raises(UserError, match="expected ROOT"):
        read_everything(touch(tmp_path, *made))
