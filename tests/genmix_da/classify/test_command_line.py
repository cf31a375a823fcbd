"""genmix-da classify as a user meets it: help, output, and one sentence for bad input."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from genmix_da.classify.config import build_classify_config
from genmix_da.classify.task import prepare
from genmix_da.errors import UserError


def test_json_alone(classify: Callable[..., Any], folder: Path) -> None:
    outcome = classify("--epochs", 1, "--json")
    assert outcome.json() == json.loads((folder / "result.json").read_text())


def test_printed_scores(classify: Callable[..., Any]) -> None:
    outcome = classify("--epochs", 1, "--augment", "mixup", "--augment-option", "alpha=0.4")
    assert outcome.code == 0
    for said in (
        "Art, seed 1",
        "6 classes, 60 training and 12 test images",
        *("mixup, last epoch", "mixup, oracle", "top-1", "top-5", "FGSM error"),
        "7 steps in ",
        "'last' is the headline; 'oracle' picks its epoch by test labels.",
    ):
        assert said in outcome.out
    assert "selected" not in outcome.out


def test_stand_in_editor_is_named(classify: Callable[..., Any]) -> None:
    options = ("--augment", "genmix", "--editor", "filters", "--per-image", 1, "--edit-size", 32)
    outcome = classify("--epochs", 1, *options)
    assert "genmix[filters], last epoch" in outcome.out
    assert "The editor 'filters' stands in for a generative one." in outcome.out
    assert "images made in" in outcome.out


def test_printed_attack(run: Callable[..., Any], trained: Path) -> None:
    outcome = run("classify", "attack", trained, "--radii", "2/255", "--pgd-steps", 2)
    assert outcome.code == 0
    assert "error in percent of 12 test images" in outcome.out
    assert "FGSM    2/255" in outcome.out
    assert "FGSM    8/255" in outcome.out
    assert "(2 steps)" in outcome.out
    again = run("classify", "attack", trained, "--json").json()
    assert again == json.loads((trained / "attack.json").read_text())


def test_options_reach_the_configuration(
    classify: Callable[..., Any], folder: Path, result_of: Callable[[], dict[str, Any]]
) -> None:
    given = (
        *("--steps", 5, "--optimizer", "adamw", "--lr", "1e-3", "--warmup-steps", 2),
        *("--weight-decay", 0, "--label-smoothing", 0.2, "--shots", 4, "--test-limit", 12),
        *("--split-seed", 3, "--no-channels-last", "--dataset", "Drawn", "--batch-size", 12),
        *("--augment-seed", 9, "--edit-steps", 20, "--edit-channels-last", "--lambda", 0.3),
    )
    assert classify(*given).code == 0
    config = result_of()["provenance"]["config"]
    expected = {
        **{"steps": 5, "epochs": None, "optimizer": "adamw", "lr": 0.001, "warmup_steps": 2},
        **{"weight_decay": 0.0, "label_smoothing": 0.2, "shots": 4, "test_limit": 12},
        **{"split_seed": 3, "channels_last": False, "dataset": "Drawn", "batch_size": 12},
    }
    assert {key: config[key] for key in expected} == expected
    assert config["genmix"] == {
        "fractal_lambda": 0.3,
        "seed": 9,
        "editor_options": {"steps": 20, "channels_last": True},
    }
    assert result_of()["dataset"] == "Drawn"
    assert result_of()["timing"]["steps"] == 5


def test_help_is_quick_and_light() -> None:
    code = (
        "import sys, genmix_da.cli as c\n"
        "for a in (['classify', '--help'], ['classify', 'train', '--help']):\n"
        "    assert c.main(a) == 0\n"
        "assert not {'torch', 'numpy', 'PIL', 'lead'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_from_python() -> None:
    import genmix_da

    assert callable(genmix_da.classify.train)
    assert callable(genmix_da.classify.attack)
    with pytest.raises(AttributeError, match="no attribute 'test'"):
        genmix_da.classify.test  # noqa: B018


# --- bad input -------------------------------------------------------------------------------


@pytest.fixture
def no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bad input is named before anything is trained."""

    def never(*arguments: Any, **options: Any) -> None:
        raise AssertionError("training has begun")

    monkeypatch.setattr("genmix_da.classify.run.train_epochs", never)


@pytest.mark.usefixtures("no_training")
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--augment", "cutmics"), "no augmentation 'cutmics'; did you mean 'cutmix'?"),
        (("--augment-option", "alpha=1"), "none has no option 'alpha'. It has none."),
        (("--shots", "12"), "has 12 images, fewer than 12 shots plus one test image"),
        (("--batch-size", "61"), "Art has 60 images of the classes in use, fewer than a batch"),
        (("--backbone", "vgg11", "--image-size", "8"), "vgg11 cannot take images of 8 px"),
        (("--image-size", "4000000"), "--image-size is 4000000; it must be at most 8192"),
        (("--image-size", "9" * 20), "it must be at most 8192"),
        (("--test-limit", "5"), "--test-limit 5 is below the number of classes, 6"),
        (("--epsilon", "8"), "so give 8/255, not 8"),
        (("--epsilon", "eight"), "epsilon is 'eight'; it must be a number"),
        (("--weights", "nowhere.safetensors"), "no weights file nowhere.safetensors"),
        (("--backbone", "timm:resnet10"), "timm has no model 'resnet10'; did you mean 'resnet"),
        (("--data", "flowers103"), "did you mean 'flowers102'?"),
        (("--test-data", "nowhere"), "no folder nowhere; expected <class>/<image>"),
        (("--device", "cuda:99"), "device is 'cuda:99'"),
        (("--config", "nowhere.yaml"), "cannot read the configuration nowhere.yaml"),
    ],
)
def test_refused(refused: Callable[..., str], options: tuple[str, ...], said: str) -> None:
    assert said in refused(*options)


@pytest.mark.usefixtures("no_training")
def test_no_data(run: Callable[..., Any], complaint: Callable[..., str]) -> None:
    assert "no data; give --data" in complaint(run("classify", "train"))


@pytest.mark.usefixtures("no_training")
def test_tested_on_what_is_trained_on(refused: Callable[..., str], data: Path) -> None:
    said = refused("--test-data", data / "Art")
    assert "is a test image and a training image too; no image may be in two parts" in said


def test_a_copy_to_test_on_is_a_warning(
    data: Path, tmp_path: Path, tiny: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    copy = shutil.copytree(data / "Art", tmp_path / "copy")
    prepare(build_classify_config({"data": data / "Art", "test_data": copy, **tiny}))
    assert "duplicates: 72 of the 72 images of copy to score on are training images" in caplog.text
    given = {"data": data / "Art", "test_data": copy, "refuse_duplicates": True, **tiny}
    with pytest.raises(UserError, match="leave --refuse-duplicates out"):
        prepare(build_classify_config(given))


@pytest.mark.usefixtures("no_training")
def test_one_class(refused: Callable[..., str], make_data: Callable, tmp_path: Path) -> None:
    root = make_data(tmp_path / "one", ("Art",), ("apple",))
    assert "has one class only (apple)" in refused("--data", root / "Art")


@pytest.mark.usefixtures("no_training")
def test_no_labels(refused: Callable[..., str], data: Path) -> None:
    said = refused("--data", data / "Art" / "apple")
    assert "has images but no class folders, so they have no labels" in said


@pytest.mark.usefixtures("no_training")
def test_class_whose_images_cannot_be_read(
    refused: Callable[..., str],
    make_data: Callable,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = make_data(tmp_path / "damaged", ("Art",), count=5)
    for file in (root / "Art" / "fig").iterdir():
        file.write_bytes(b"")
    assert "cannot be read" in refused("--data", root / "Art")
    monkeypatch.setattr("genmix_da.data.decode.CORRUPT_LIMIT", 1.0)
    assert "no training image of class 'fig' can be read" in refused("--data", root / "Art")


def test_unreadable_images_are_skipped_and_named(
    classify: Callable[..., Any],
    make_data: Callable,
    tmp_path: Path,
    result_of: Callable[[], dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = make_data(tmp_path / "damaged", ("Art",), ("apple", "fig"))
    (root / "Art" / "fig" / "99.jpg").write_bytes(b"no image")
    monkeypatch.setattr("genmix_da.data.decode.CORRUPT_LIMIT", 0.5)
    assert classify("--data", root / "Art", "--epochs", 1).code == 0
    (skipped,) = result_of()["skipped_files"]
    assert skipped["path"].endswith("99.jpg")
    assert skipped["reason"] == "not an image"


@pytest.mark.parametrize(("size", "backbone"), [(32, "timm:resnet10t"), (64, "timm:resnet10t")])
def test_small_networks_take_small_images(
    classify: Callable[..., Any], size: int, backbone: str
) -> None:
    assert classify("--backbone", backbone, "--image-size", size, "--steps", 2).code == 0


def test_real_photographs_from_scratch_are_not_synthetic(
    data: Path, tmp_path: Path, tiny: dict[str, Any]
) -> None:
    def synthetic() -> bool:
        return prepare(build_classify_config({"data": tmp_path / "mini" / "Art", **tiny})).synthetic

    for kind in "ab":
        (tmp_path / "mini" / "Art" / kind).mkdir(parents=True)
        for number in range(6):
            picture = Image.new("RGB", (20, 20), (number, number, number))
            picture.save(tmp_path / "mini" / "Art" / kind / f"{number}.png")
    assert not synthetic()
    (tmp_path / "mini" / "mini_office_home.json").write_text("{}")
    assert synthetic()
