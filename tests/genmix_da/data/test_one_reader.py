"""What lies beside, is linked, or is called like something else: read alike, and never silently."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genmix_da.data.check import check_data
from genmix_da.data.domains import find_domains, load_domain
from genmix_da.data.everything import read_everything
from genmix_da.data.folders import folder_domain
from genmix_da.data.pixels import read_image
from genmix_da.data.sources import data_set
from genmix_da.errors import UserError
from genmix_da.places import user_path


@pytest.fixture
def classes(make_data: Callable, tmp_path: Path) -> Path:
    """One domain of two classes."""
    return Path(make_data(tmp_path / "own", ("Art",), ("cup", "pen"), 3)) / "Art"


def stray(folder: Path, of: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(next(of.rglob("*.png")), folder / "stray.png"))


def test_an_image_beside_the_folder_images(classes: Path) -> None:
    (classes / "images").mkdir()
    for name in ("cup", "pen"):
        (classes / name).rename(classes / "images" / name)
    found = stray(classes, classes)
    domain = folder_domain(classes)
    assert domain.classes == ("cup", "pen")
    assert (str(found), "beside the class folders") in domain.left_out
    # The check sees the same domain.
    shutil.copytree(classes, classes.parent / "Photo")
    everything = read_everything(classes.parent)
    assert [one.domain.classes for one in everything.held] == [("cup", "pen")] * 2
    assert not check_data(classes.parent).clean


def test_images_beside_the_parts(classes: Path) -> None:
    for part in ("train", "test"):
        shutil.copytree(classes, classes.parent / "Parts" / part)
    home = classes.parent / "Parts"
    found = stray(home, classes)
    stray(home / "extra" / "mug", classes)
    (home / "notes").mkdir()
    left_out = dict(folder_domain(home).left_out)
    assert left_out == {str(found): "beside the parts", str(home / "extra"): "beside the parts"}


def test_a_link_to_a_class_is_no_second_class(classes: Path) -> None:
    (classes / "a link").symlink_to("cup")
    domain = folder_domain(classes)
    assert domain.classes == ("cup", "pen")
    assert len(domain.images) == 6
    assert (str(classes / "a link"), "a link to a folder that was read already") in domain.left_out
    # One from elsewhere is a class.
    elsewhere = classes.parent / "elsewhere"
    stray(elsewhere, classes)
    (classes / "mug").symlink_to(elsewhere)
    assert folder_domain(classes).classes == ("cup", "mug", "pen")


def test_hidden_lists_are_no_domains(classes: Path) -> None:
    (classes.parent / ".Art.txt").write_text("Art/cup/00.jpg 0\n")
    assert set(find_domains(classes.parent)) == {"Art"}
    assert len(load_domain(classes.parent, "Art").images) == 6


def test_predict_reads_the_list_of_a_folder(
    run: Callable, finished: object, classes: Path, tmp_path: Path
) -> None:
    (classes / "labels.csv").write_text("path,label\ncup/00.jpg,cup\npen/01.png,pen\n")
    assert len(data_set(classes).images) == 2
    arguments = ("predict", finished.folder, classes, "--out", tmp_path / "p.csv", "--json")  # type: ignore[attr-defined]
    assert run(*arguments).json()["images"] == 2


def test_large_images_are_looked_over(classes: Path) -> None:
    Image.new("1", (13_500, 13_500)).save(classes / "cup" / "large.png")  # above PIL's own limit
    assert check_data(classes.parent).clean


def test_a_link_to_a_folder_is_not_replaced_by_an_output(
    run: Callable, classes: Path, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(classes)
    options = ("--images", 1, "--edit-size", 32, "--editor", "filters", "--features", "off")
    outcome = run("preview", classes, "--sheet", tmp_path / "link", *options)
    assert outcome.code == 2
    assert "Traceback" not in outcome.err
    assert (tmp_path / "link").is_symlink()


@pytest.mark.parametrize("path", ["", "  "])
def test_an_empty_path_is_not_the_current_folder(path: str, run: Callable) -> None:
    with pytest.raises(UserError, match="an empty path was given"):
        user_path(path)
    assert run("data", "check", path).code == 2


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_white_may_be_zero(tmp_path: Path, dtype: type) -> None:
    ramp = np.linspace(0, 1, 64).reshape(8, 8)
    values = (ramp * (65535 if dtype is np.uint16 else 1)).astype(dtype)
    for name, photometric in (("plain", 1), ("inverted", 0)):
        Image.fromarray(values).save(tmp_path / f"{name}.tif", tiffinfo={262: photometric})
        with Image.open(tmp_path / f"{name}.tif") as image:
            assert image.tag_v2[262] == photometric
    plain, inverted = (
        np.asarray(read_image((tmp_path / f"{name}.tif").read_bytes())).astype(int)
        for name in ("plain", "inverted")
    )
    assert np.array_equal(plain, 255 - inverted)


def deep(file: Path, top: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.linspace(0, top, 64).reshape(8, 8).astype(np.uint16)).save(file)


@pytest.mark.parametrize("kind", ["folders", "parts above", "table"])
def test_a_part_has_the_grey_of_the_whole(tmp_path: Path, kind: str) -> None:
    home = tmp_path / "data"
    for part, top in (("train", 700), ("test", 4000)):
        below = f"{part}/Art" if kind == "parts above" else f"Art/{part}"
        for name in ("cup", "pen"):
            deep(home / below / name / f"{part}.png", top)
    if kind == "table":
        rows = [
            f"Art/{part}/{name}/{part}.png,{name},Art,{part}"
            for part in ("train", "test")
            for name in ("cup", "pen")
        ]
        (home / "labels.csv").write_text("\n".join(["path,label,domain,part", *rows]))
    domain = load_domain(home, "Art", part="train")
    assert len(domain.images) == 2
    assert domain.grey.usual == (0, 4095)


def test_predict_reads_grey_as_the_run_did(
    run: Callable, adapt: Callable, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("One", "Two"):
        for number in range(24):
            deep(tmp_path / "data" / name / "abc"[number % 3] / f"{number}.png", 150 * number + 500)
    settings = ("--split", "2/0/1", "--setting", "osda", "--source-epochs", 1, "--epochs", 1)
    options = ("--data", tmp_path / "data", "--src", "One", "--tgt", "Two", *settings)
    assert adapt(*options).code == 0
    folder = tmp_path / "runs" / "run"
    # A few dim ones of them have a range of their own.
    few = tmp_path / "few"
    for number in (0, 1):
        shutil.copy(tmp_path / "data" / "Two" / "abc"[number] / f"{number}.png", few.parent)
        few.mkdir(exist_ok=True)
        shutil.move(few.parent / f"{number}.png", few)
    assert run("predict", folder, few, "--out", tmp_path / "p.csv", "--no-graph").code == 0
    own = [line.split(",") for line in (folder / "predictions.csv").read_text().splitlines()]
    found = [line.split(",") for line in (tmp_path / "p.csv").read_text().splitlines()]
    by_name = {Path(line[0]).name: line[3] for line in own[1:]}
    for line in found[1:]:
        assert float(line[2]) == pytest.approx(float(by_name[Path(line[0]).name]), abs=2e-6)
    deep(few / "bright.png", 60_000)
    outcome = run("predict", folder, few, "--out", tmp_path / "p.csv", "--no-graph")
    assert "outside of the run's 0,4095; it is read in its own range" in outcome.err
