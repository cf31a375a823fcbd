"""Bad folders, lists and images: one line that says what is wrong, where, and how to mend it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

OPDA = ("--split", "3/1/2")
QUICK = (*OPDA, "--source-epochs", 1, "--epochs", 1, "--cluster-estimator", "features")


def test_missing_data_folder(refused: Callable, tmp_path: Path) -> None:
    said = refused("--data", tmp_path / "nowhere")
    assert str(tmp_path / "nowhere") in said
    assert "ROOT/<Domain>/<class>/<image>" in said
    assert "--data" in said


def test_data_folder_without_domains(refused: Callable, tmp_path: Path) -> None:
    (tmp_path / "hollow").mkdir()
    assert "no domain folder under" in refused("--data", tmp_path / "hollow")


@pytest.mark.parametrize("role", ["--src", "--tgt"])
def test_empty_domain(refused: Callable, copy: Path, role: str) -> None:
    (copy / "Empty" / "apple").mkdir(parents=True)
    said = refused("--data", copy, role, "Empty")
    assert str(copy / "Empty") in said
    assert "no image" in said


@pytest.mark.parametrize("role", ["--src", "--tgt"])
def test_unknown_domain_suggests_the_nearest(refused: Callable, role: str) -> None:
    said = refused(role, "Produkt")
    assert "no domain 'Produkt'" in said
    assert "did you mean 'Product'?" in said
    assert "Art, Clipart, Product" in said


@pytest.mark.parametrize("role", ["--src", "--tgt"])
def test_empty_name_is_no_domain(
    refused: Callable, role: str, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(data / "Art")  # which would do as a folder of classes
    assert "no domain ''" in refused(role, "")


def test_missing_source_or_target_option(run: Callable, complaint: Callable) -> None:
    assert "--src" in complaint(run("adapt", "--tgt", "Art"))
    assert "--tgt" in complaint(run("adapt", "--src", "Art"))


@pytest.mark.parametrize("target", ["Art", "ar", "folder"])
def test_same_domain_twice(
    refused: Callable, data: Path, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(data.parent)
    # The root relative, the target absolute: one folder under two names.
    name = data / "Art" if target == "folder" else target
    said = refused("--data", data.name, "--tgt", name)
    assert "source and target are both Art" in said


def test_source_without_classes(refused: Callable, copy: Path) -> None:
    (copy / "Flat").mkdir()
    shutil.copy(copy / "Art" / "fig" / "00.jpg", copy / "Flat")
    said = refused("--data", copy, "--src", "Flat")
    assert "no class folders" in said
    assert str(copy / "Flat") in said


def test_no_shared_class(refused: Callable, make_data: Callable, tmp_path: Path) -> None:
    root = make_data(tmp_path / "own", ("Left",), ("a", "b"))
    make_data(root, ("Right",), ("c", "d"))
    said = refused("--data", root, "--src", "Left", "--tgt", "Right")
    assert "Left and Right share no class" in said
    assert "a, b" in said
    assert "c, d" in said
    assert "--split" in said


def test_malformed_image_list(refused: Callable, copy: Path) -> None:
    (copy / "Listed.txt").write_text("Art/fig/00.jpg 5\nArt/fig/01.png\n")
    said = refused("--data", copy, "--tgt", "Listed")
    assert "line 2 of" in said
    assert "Listed.txt" in said


def test_fewer_source_images_than_a_batch(refused: Callable, tmp_path: Path) -> None:
    said = refused(*OPDA, "--batch-size", 50)
    assert "Art has 48 images" in said
    assert "--batch-size 48" in said
    assert not (tmp_path / "runs").exists()  # found before anything was begun


def test_fewer_target_images_than_a_batch(refused: Callable, copy: Path, tmp_path: Path) -> None:
    for image in (copy / "Clipart").glob("*/*"):
        if not image.stem.endswith(("0", "1")):
            image.unlink()
    said = refused(*OPDA, "--data", copy, "--batch-size", 40)
    assert "Clipart has 20 images" in said
    assert "--batch-size 20" in said
    assert not (tmp_path / "runs").exists()


def test_one_corrupt_image_is_skipped_counted_and_named(
    adapt: Callable, copy: Path, tmp_path: Path, result_of: Callable[[], dict[str, Any]]
) -> None:
    damaged = copy / "Clipart" / "fig" / "03.png"
    damaged.write_bytes(damaged.read_bytes()[:100])
    outcome = adapt("--data", copy, *QUICK)
    assert outcome.code == 0
    assert "1 unreadable images were skipped" in outcome.out
    result = result_of()
    assert [item["path"] for item in result["skipped_files"]] == [str(damaged)]
    assert result["skipped_files"][0]["reason"]
    assert result["images"]["target"] == 59
    log = (tmp_path / "runs" / "run" / "log.txt").read_text()
    assert f"skipped {damaged}: " in log
    assert str(damaged) not in (tmp_path / "runs" / "run" / "predictions.csv").read_text()


@pytest.mark.parametrize(("damaged", "code"), [(3, 0), (4, 2)])  # of 72; 5 % are 3.6
def test_five_percent_corrupt_images_are_the_limit(
    adapt: Callable, complaint: Callable, copy: Path, damaged: int, code: int
) -> None:
    for number in range(damaged):
        (copy / "Art" / "apple" / f"{2 * number:02}.jpg").write_bytes(b"not an image")
    outcome = adapt("--data", copy, *QUICK)
    assert outcome.code == code
    if code == 2:
        said = complaint(outcome)
        assert "4 of 72 images of Art cannot be read" in said
        assert "apple" in said
        assert "genmix-da data check" in said


def test_labelled_target_without_unknown_samples(
    adapt: Callable, copy: Path, result_of: Callable[[], dict[str, Any]]
) -> None:
    for name in ("elder", "fig"):
        shutil.rmtree(copy / "Clipart" / name)
    outcome = adapt("--data", copy, *QUICK)
    assert outcome.code == 0
    assert "Clipart has no image of a target-private class" in outcome.err
    result = result_of()
    for block in (result["source_only"], result["scores"]["last"]):
        assert block["h_score"] is None
        assert block["unknown_accuracy"] is None
        assert block["accuracy"] is not None
    assert result["scores"]["oracle"] is None


def test_diverging_training(refused: Callable, result_of: Callable[[], dict[str, Any]]) -> None:
    said = refused(*QUICK, "--source-lr", 1e30)
    assert "diverged" in said
    assert "lower the" in said
    assert result_of()["status"] == "failed"
