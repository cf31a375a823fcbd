"""Training, validation and test parts, below a data set or below its domains."""

from __future__ import annotations

from pathlib import Path

import pytest

from empty_files import touch
from genmix_da.data.domain import NoImageError
from genmix_da.data.domains import find_domains, load_domain
from genmix_da.data.folders import folder_domain
from genmix_da.data.parts import part_name, parts_of, split_stem
from genmix_da.data.sources import labelled, training_images
from genmix_da.errors import UserError


@pytest.mark.parametrize(
    ("part", "names"),
    [
        ("train", "train Train TRAINING training_set train-images trainset train2017 images_train"),
        ("val", "val valid Validation VAL2017 dev val_images"),
        ("test", "test Testing test_set TestImages test2017 eval evaluation"),
    ],
)
def test_names_of_parts(part: str, names: str) -> None:
    assert [part_name(name) for name in names.split()] == [part] * len(names.split())


@pytest.mark.parametrize(
    "name", ["trains", "trainer", "testimony", "valve", "contest", "a train", "training day", ""]
)
def test_other_names(name: str) -> None:
    assert part_name(name) is None


def test_stems_of_lists() -> None:
    assert split_stem("real_train") == ("real", "train")
    assert split_stem("Real World-test") == ("Real World", "test")
    assert split_stem("train") == ("train", None)
    assert split_stem("a_b") == ("a_b", None)


def test_parts_are_read_together_or_one_by_one(tmp_path: Path) -> None:
    touch(tmp_path, "Training/a/1.jpg", "Training/B b/2.jpg", "Testing/A/3.jpg", "extra/notes.txt")
    whole = folder_domain(tmp_path)
    assert whole.labels == ("B b", "a", "a")
    assert [path.name for path in whole.images] == ["2.jpg", "1.jpg", "3.jpg"]
    assert folder_domain(tmp_path, part="test").labels == ("A",)
    with pytest.raises(UserError, match="has the parts train, test; there is no val"):
        folder_domain(tmp_path, part="val")
    assert training_images(tmp_path).labels == ("B b", "a")
    assert training_images(tmp_path, part="test").labels == ("A",)
    assert training_images(tmp_path / "Testing").labels == ("A",)


def test_a_part_without_classes_is_not_mixed_with_others(tmp_path: Path) -> None:
    touch(tmp_path, "train/a/1.jpg", "train/b/2.jpg", "test/3.jpg")
    whole = folder_domain(tmp_path)
    assert whole.labels == ("a", "b")
    assert dict(whole.left_out)[str(tmp_path / "test")].startswith("images without classes")


def test_parts_of_images_alone_are_no_classes(tmp_path: Path) -> None:
    touch(tmp_path, "train/1.jpg", "test/2.jpg")
    assert folder_domain(tmp_path).labels is None
    with pytest.raises(UserError, match="has images but no class folders"):
        labelled(tmp_path)


@pytest.mark.parametrize(
    "names",
    [
        ("car/1.jpg", "train/1.jpg", "bus/1.jpg"),  # VisDA-C has a class of this name
        ("car/left/1.jpg", "train/left/1.jpg", "train/right/1.jpg", "bus/left/1.jpg"),
    ],
)
def test_a_class_may_be_called_train(names: tuple[str, ...], tmp_path: Path) -> None:
    assert parts_of(touch(tmp_path, *names)) == {}
    assert "train" in folder_domain(tmp_path).classes


def test_there_is_no_part_of_a_folder_without(tmp_path: Path) -> None:
    touch(tmp_path, "a/1.jpg", "b/1.jpg")
    with pytest.raises(UserError, match="leave --part out"):
        folder_domain(tmp_path, part="train")


def test_domains_have_parts(tmp_path: Path) -> None:
    touch(tmp_path, "Art/train/a/1.jpg", "Art/test/a/2.jpg", "Photo/a/3.jpg")
    assert len(load_domain(tmp_path, "Art").images) == 2
    assert len(load_domain(tmp_path, "Art", part="train").images) == 1
    with pytest.raises(UserError, match="no part 'first'; there are: train, val, test"):
        load_domain(tmp_path, "Art", part="first")


def test_parts_hold_domains(tmp_path: Path) -> None:
    for part, domain, name in (("train", "Art", "1"), ("test", "Art", "2"), ("train", "Pen", "3")):
        touch(tmp_path, f"{part}/{domain}/a/{name}.jpg", f"{part}/{domain}/b/{name}.jpg")
    assert set(find_domains(tmp_path)) == {"Art", "Pen"}
    assert len(load_domain(tmp_path, "art").images) == 4
    assert len(load_domain(tmp_path, "art", part="Test").images) == 2
    with pytest.raises(UserError, match="Pen has the parts train; there is no test"):
        load_domain(tmp_path, "Pen", part="test")


def test_a_part_is_a_domain_where_it_is_named_so(tmp_path: Path) -> None:
    """VisDA-C adapts from `train` to `validation`."""
    touch(tmp_path, "train/car/1.jpg", "train/bus/1.jpg", "validation/car/2.jpg")
    assert load_domain(tmp_path, "train").classes == ("bus", "car")
    assert load_domain(tmp_path, "validation").classes == ("car",)


def test_a_folder_of_domains_is_no_folder_of_classes(tmp_path: Path) -> None:
    touch(tmp_path, "Art/a/1.jpg", "Art/b/1.jpg", "Photo/a/1.jpg", "Photo/b/1.jpg")
    with pytest.raises(UserError, match="holds domains, not classes: Art has class folders"):
        folder_domain(tmp_path)


def test_several_domains_are_one(tmp_path: Path) -> None:
    touch(tmp_path, "Art/Hot_Dog/1.jpg", "Photo/hot dog/2.jpg", "Photo/cup/3.jpg", "Pen/cup/4.jpg")
    both = load_domain(tmp_path, "ar, photo")
    assert both.name == "Art,Photo"
    assert both.labels == ("Hot_Dog", "cup", "Hot_Dog")
    assert both.classes == ("Hot_Dog", "cup")
    with pytest.raises(UserError, match="names Art twice"):
        load_domain(tmp_path, "Art,art")


def test_empty_parts(tmp_path: Path) -> None:
    (tmp_path / "train" / "a").mkdir(parents=True)
    with pytest.raises(NoImageError):
        folder_domain(tmp_path)
