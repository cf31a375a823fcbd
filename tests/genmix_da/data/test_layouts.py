"""Settings, splits and the ways in which data lies on disk, each through a whole adaptation."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

QUICK = ("--source-epochs", 1, "--epochs", 1, "--cluster-estimator", "features")
SCORES = (
    *("h_score", "known_accuracy", "unknown_accuracy", "accuracy", "auroc", "oscr"),
    *("nmi", "h3_score"),
)


@pytest.fixture
def quick(adapt: Callable, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """`adapt` with one epoch a stage; returns the result and checks the table that is printed."""

    def call(*options: object) -> dict[str, Any]:
        outcome = adapt(*QUICK, *options)
        assert outcome.code == 0, outcome.err
        assert ("last epoch" in outcome.out) != ("nothing to score" in outcome.out)
        return json.loads((tmp_path / "runs" / "run" / "result.json").read_text())

    return call


def predictions(tmp_path: Path) -> list[dict[str, str]]:
    with (tmp_path / "runs" / "run" / "predictions.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_osda(quick: Callable) -> None:
    result = quick("--setting", "osda", "--split", "3/0/3")
    assert result["split"] == [3, 0, 3]
    assert result["images"] == {"source": 36, "target": 72, "target_unknown": 36}
    assert all(result["scores"]["last"][name] is not None for name in SCORES)


def test_pda_reports_accuracy_and_rejects_nothing(quick: Callable, tmp_path: Path) -> None:
    result = quick("--setting", "pda", "--split", "3/3/0", "--threshold", 1e-9)
    assert result["images"] == {"source": 72, "target": 36, "target_unknown": 0}
    last = result["scores"]["last"]
    assert last["known_accuracy"] == pytest.approx(last["accuracy"], abs=1e-5)
    for name in ("h_score", "unknown_accuracy", "auroc", "oscr", "nmi", "h3_score"):
        assert last[name] is None
    assert result["source_only"]["h_score_at_050"] is None
    assert "unknown" not in {row["predicted"] for row in predictions(tmp_path)}


def test_split_file_names_the_classes(quick: Callable, tmp_path: Path) -> None:
    split = tmp_path / "split.yaml"
    split.write_text("shared: [fig, apple]\nsource_private: [date]\ntarget_private: [elder]\n")
    result = quick("--split", split)
    assert result["split"] == [2, 1, 1]
    assert {row["true"] for row in predictions(tmp_path)} == {"fig", "apple", "unknown"}


def test_without_a_split_the_common_classes_are_shared(
    quick: Callable, make_data: Callable, tmp_path: Path
) -> None:
    root = make_data(tmp_path / "own", ("Left",), ("a", "b", "c", "d"))
    make_data(root, ("Right",), ("b", "c", "x"))
    result = quick("--data", root, "--src", "Left", "--tgt", "Right")
    assert result["split"] == [2, 2, 1]
    assert result["dataset"] == "own"


@pytest.mark.parametrize(("setting", "split"), [("osda", [2, 0, 1]), ("pda", [2, 2, 0])])
def test_without_a_split_the_setting_drops_private_classes(
    quick: Callable, make_data: Callable, tmp_path: Path, setting: str, split: list[int]
) -> None:
    root = make_data(tmp_path / "own", ("Left",), ("a", "b", "c", "d"))
    make_data(root, ("Right",), ("b", "c", "x"))
    options = ("--data", root, "--src", "Left", "--tgt", "Right", "--setting", setting)
    assert quick(*options)["split"] == split


def test_unlabelled_flat_target_is_predicted_and_not_scored(
    quick: Callable, data: Path, tmp_path: Path
) -> None:
    flat = tmp_path / "some photos"
    flat.mkdir()
    for number, image in enumerate(sorted((data / "Clipart").glob("*/*"))[:40]):
        shutil.copy(image, flat / f"{number:02} é{image.suffix}")
    (flat / "notes.txt").write_text("not an image")
    result = quick("--tgt", flat)
    assert result["target"] == "some photos"
    assert result["images"] == {"source": 72, "target": 40, "target_unknown": None}
    for block in (result["source_only"], result["scores"]["last"], result["scores"]["selected"]):
        assert [block[name] for name in SCORES] == [None] * len(SCORES)
    assert result["scores"]["oracle"] is None
    assert result["source_only"]["h_score_at_050"] is None
    rows = predictions(tmp_path)
    assert [Path(row["path"]).name for row in rows] == sorted(x.name for x in flat.glob("*é*"))
    assert {row["true"] for row in rows} == {""}
    assert all(row["predicted"] for row in rows)


def test_unlabelled_target_takes_a_split_of_the_source_classes(
    quick: Callable, data: Path, tmp_path: Path
) -> None:
    flat = tmp_path / "flat"
    flat.mkdir()
    for number, image in enumerate(sorted((data / "Clipart").glob("*/*"))[:16]):
        shutil.copy(image, flat / f"{number:02}{image.suffix}")
    assert quick("--tgt", flat, "--split", "3/1/2")["split"] == [3, 1, 2]


def test_labelled_target_may_be_a_folder_elsewhere(
    quick: Callable, data: Path, make_data: Callable, tmp_path: Path
) -> None:
    root = make_data(tmp_path / "elsewhere", ("Shop",))
    result = quick("--tgt", root / "Shop", "--split", "3/1/2")
    assert result["target"] == "Shop"
    assert result["scores"]["last"]["h_score"] is not None


def write_list(file: Path, images: list[Path], relative_to: Path) -> None:
    names = sorted({image.parent.name for image in images})
    lines = [f"{i.relative_to(relative_to)} {names.index(i.parent.name)}" for i in images]
    file.write_text("\n".join(lines) + "\n")


def test_image_lists_beside_the_domains(
    quick: Callable, make_data: Callable, tmp_path: Path
) -> None:
    root = make_data(tmp_path / "lists", ("art", "clipart"))
    for domain in ("art", "clipart"):
        write_list(root / f"{domain}.txt", sorted((root / domain).glob("*/*")), root)
        # Files that the list leaves out are not used.
        shutil.copy(root / domain / "fig" / "00.jpg", root / domain / "fig" / "99.jpg")
    lists = ("--src", "art.txt", "--tgt", "clipart.txt")
    result = quick("--data", root, *lists, "--split", "3/1/2")
    assert (result["source"], result["target"]) == ("art", "clipart")
    assert result["images"] == {"source": 48, "target": 60, "target_unknown": 24}
    out = tmp_path / "folders"
    folders = ("--src", "art/", "--tgt", "clipart/", "--out", out)
    quick("--data", root, *folders, "--split", "3/1/2")
    images = json.loads((out / "result.json").read_text())["images"]
    assert images == {"source": 48, "target": 61, "target_unknown": 25}


def test_image_lists_inside_the_domains(
    quick: Callable, make_data: Callable, tmp_path: Path
) -> None:
    root = make_data(tmp_path / "lists", ("Art", "Clipart"))
    for domain, base in (("Art", root / "Art"), ("Clipart", root)):
        images = sorted((root / domain).glob("*/*"))
        write_list(root / domain / "image_unida_list.txt", images, base)
    result = quick("--data", root, "--split", "3/1/2")
    assert result["images"] == {"source": 48, "target": 60, "target_unknown": 24}


def test_folders_and_lists_give_the_same_numbers(
    adapt: Callable, make_data: Callable, data: Path, tmp_path: Path, finished: Any
) -> None:
    root = tmp_path / "copy"
    shutil.copytree(data, root)
    for domain in ("Art", "Clipart"):
        write_list(root / f"{domain}.txt", sorted((root / domain).glob("*/*")), root)
    lists = ("--src", "Art.txt", "--tgt", "Clipart.txt")
    assert adapt("--data", root, *lists, "--split", "3/1/2").code == 0
    result = json.loads((tmp_path / "runs" / "run" / "result.json").read_text())
    assert result["scores"] == finished.result["scores"]


def test_images_folder_between_domain_and_classes(
    quick: Callable, make_data: Callable, tmp_path: Path
) -> None:
    root = tmp_path / "office"
    for domain in ("amazon", "webcam"):
        made = make_data(tmp_path / f"of {domain}", ("images",))
        (root / domain).mkdir(parents=True)
        (made / "images").rename(root / domain / "images")
    result = quick("--data", root, "--src", "Amazon", "--tgt", "web", "--split", "3/1/2")
    assert (result["source"], result["target"]) == ("amazon", "webcam")
    assert result["images"]["target"] == 60


def test_names_with_spaces_and_any_letters(
    quick: Callable, make_data: Callable, tmp_path: Path
) -> None:
    classes = ("pomme verte", "りんご", "クルミ", "Ünïcode", "e'quote", "f,comma")
    root = make_data(tmp_path / "mes données", ("写真", "絵画 2"), classes)
    result = quick("--data", root, "--src", "写真", "--tgt", "絵画 2", "--split", "3/1/2")
    assert (result["source"], result["target"]) == ("写真", "絵画 2")
    assert {row["true"] for row in predictions(tmp_path)} <= {*classes, "unknown"}


def test_file_names_need_not_be_utf8(quick: Callable, make_data: Callable, tmp_path: Path) -> None:
    root = make_data(tmp_path / "old", ("Art", "Clipart"))
    image = root / "Clipart" / "fig" / "00.jpg"
    try:
        image.rename(image.with_name("caf\udce9.jpg"))
    except (OSError, UnicodeError):
        pytest.skip("this file system takes UTF-8 names alone")
    (root / "Clipart" / "fig" / "z\udce9.jpg").write_bytes(b"damaged")
    result = quick("--data", root, "--split", "3/1/2")
    assert result["images"]["target"] == 60
    assert [Path(item["path"]).name for item in result["skipped_files"]] == ["z\udce9.jpg"]
    assert b"caf\xe9.jpg" in (tmp_path / "runs" / "run" / "predictions.csv").read_bytes()


@pytest.mark.parametrize("source", ["Ar", "art", "ART", "Art"])
@pytest.mark.parametrize("target", ["Rw", "Re", "real world", "Real_World", "RealWorld", "real"])
def test_aliases_name_the_domains(
    source: str, target: str, make_data: Callable, tmp_path: Path
) -> None:
    from genmix_da.data.domains import load_domain

    root = make_data(tmp_path / "home", ("Art", "Real World"), ("a",), 1)
    assert load_domain(root, source).name == "Art"
    assert load_domain(root, target).name == "Real World"


def test_published_data_set_brings_its_splits_and_profile(
    make_data: Callable, tmp_path: Path
) -> None:
    from genmix_da.adaptation.config import AdaptConfig
    from genmix_da.adaptation.identity import run_settings
    from genmix_da.adaptation.task import prepare
    from office_home import OFFICE_HOME_CLASSES

    root = make_data(tmp_path / "home", ("Art", "Clipart"), OFFICE_HOME_CLASSES, 2)
    config = AdaptConfig(src="Ar", tgt="Cl", data=str(root), image_size=8, batch_size=10)
    task = prepare(config)
    assert task.dataset == "office-home"
    assert task.config.profile == "office-home"
    assert task.label_sets.counts == (10, 5, 50)
    assert task.label_sets.shared == OFFICE_HOME_CLASSES[:10]
    assert (len(task.source.rows), len(task.target.rows)) == (30, 120)
    assert run_settings(task, None)["device"] in ("cpu", "cuda")  # what "auto" came to
