"""`data check` on the whole of a folder: accounts, classes, parts, near-duplicates, the cache."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genmix_da.data import decode
from genmix_da.data.decode import decode_domain
from genmix_da.data.domains import load_domain

TINY = ("--backbone", "timm:test_efficientnet", "--weights", "none", "--device", "cpu")


def lines(outcome: object, code: int = 0) -> list[str]:
    assert outcome.code == code, outcome  # type: ignore[attr-defined]
    return outcome.out.splitlines()  # type: ignore[attr-defined,no-any-return]


def test_every_file_is_said(run: Callable, data: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(data / "Art", tmp_path / "own" / "Art")).parent
    (root / "notes.md").touch()
    (root / ".DS_Store").touch()
    said = lines(run("data", "check", root))
    assert "Files: 74 = 72 read + 0 skipped + 0 lists + 1 not images (1 .md) + 1 hidden." in said
    shutil.copy(root / "Art" / "fig" / "00.jpg", root / "astray.jpg")
    said = lines(run("data", "check", root), 1)
    assert f"{root / 'astray.jpg'}: beside the folders that are read" in said
    files = json.loads(run("data", "check", root, "--json").out)["files"]
    assert (files["total"], files["read"], files["hidden"]) == (75, 72, 1)
    assert files["skipped"] == [[str(root / "astray.jpg"), "beside the folders that are read"]]
    assert files["others"] == {".md": 1}


def test_classes_side_by_side(run: Callable, make_data: Callable, tmp_path: Path) -> None:
    root = make_data(tmp_path / "own", ("Art",), ("Alarm_Clock", "headphone", "mug"), 2)
    make_data(root, ("Photo",), ("alarm clock", "headphones", "pen", "mug"), 2)
    said = lines(run("data", "check", root))
    assert "5 classes, 2 of them in every domain." in said
    assert "Spelt differently and joined: Alarm_Clock (Art) = alarm clock (Photo)." in said
    assert "In Art and not in Photo: 1 (headphone)." in said
    assert "In Photo and not in Art: 2 (headphones, pen)." in said
    assert "May be one class misspelt: 'headphone' (Art) and 'headphones' (Photo)." in said


def test_of_many_domains_classes_are_listed_by_who_lacks_them(
    run: Callable, make_data: Callable, tmp_path: Path
) -> None:
    root = make_data(tmp_path / "own", tuple("ABCDE"), ("a", "b", "c"), 1)
    for lacking in ("D/a", "E/a", "E/b"):
        shutil.rmtree(root / lacking)
    said = lines(run("data", "check", root))
    assert "Not in D, E: 1 (a)." in said
    assert "Not in E: 1 (b)." in said
    assert not any(line.startswith("In ") for line in said)
    assert "E has one image alone of c: the class can't be split for a test." in said
    assert "A has one image alone of a, b, c: their classes can't be split for a test." in said


def test_a_class_of_one_readable_image(run: Callable, make_data: Callable, tmp_path: Path) -> None:
    root = make_data(tmp_path / "own", ("Art",), ("a", "b"), 2)
    (root / "Art" / "a" / "00.jpg").write_bytes(b"junk")
    report = json.loads(run("data", "check", root, "--json").out)
    assert report["domains"][0]["single"] == ["a"]
    assert [(own["name"], own["images"]) for own in report["domains"][0]["class_list"]] == [
        ("a", 1),
        ("b", 2),
    ]


def test_one_data_set_with_parts(run: Callable, make_data: Callable, tmp_path: Path) -> None:
    root = make_data(tmp_path / "pets", ("train", "test"), ("cat", "dog"), 3)
    shutil.rmtree(root / "test" / "dog")
    copy = root / "test" / "cat" / "copy.jpg"
    shutil.copy(root / "train" / "dog" / "00.jpg", copy)
    said = lines(run("data", "check", root))
    assert "pets has parts: train 6, test 4 images." in said
    assert "pets: no image of test is of dog." in said
    assert "2 classes." in said
    assert (
        "pets: 1 image in several parts with the same bytes: a score on one part after training on "
        "another says too much."
    ) in said
    assert f"same bytes in several parts: {root / 'train' / 'dog' / '00.jpg'}, {copy}" in said
    report = run("data", "check", root, "--json").json()
    assert report["one"] is True
    assert report["domains"][0]["parts"] == {"train": 6, "test": 4}
    assert report["domains"][0]["class_list"][1]["parts"] == {"train": 3, "test": 0}
    assert len(report["domains"][0]["across_parts"]) == 1


def test_same_bytes_in_domains_are_said_once_for_all(
    run: Callable, make_data: Callable, tmp_path: Path
) -> None:
    root = make_data(tmp_path / "own", ("Art", "Photo"), ("a", "b"), 2)
    shutil.copy(root / "Art" / "a" / "00.jpg", root / "Photo" / "b" / "copy.jpg")
    assert (
        "1 image in several domains with the same bytes: a score on one domain after training on "
        "another says too much."
    ) in lines(run("data", "check", root))


def test_hollow_folders_are_said(run: Callable, make_data: Callable, tmp_path: Path) -> None:
    root = make_data(tmp_path / "own", ("Art",), ("a", "b"), 2)
    (root / "docs").mkdir()
    (root / "docs" / "manual.pdf").touch()
    assert f"{root / 'docs'}: no image, no domain." in lines(run("data", "check", root))
    (root / "Photo" / "mug").mkdir(parents=True)
    said = lines(run("data", "check", root), 1)
    assert f"{root / 'Photo'}: folders without images, no domain." in said


@pytest.fixture
def recompressed(make_data: Callable, tmp_path: Path) -> tuple[Path, Path, Path]:
    """(folder, an image, nearly the same one in another domain) among images of noise."""
    root = make_data(tmp_path / "own", ("Art", "Photo"), ("a", "b"), 3)
    draw = np.random.default_rng(0)
    for image in root.rglob("*.*"):
        size = (draw.integers(2, 9), draw.integers(2, 9), 3)
        made = Image.fromarray(draw.integers(0, 256, size, dtype=np.uint8))
        made.resize((64, 64)).save(image)
    one, other = root / "Art" / "a" / "01.png", root / "Photo" / "b" / "again.jpg"
    Image.open(one).save(other, quality=95)
    return root, one, other


def test_near_duplicates_are_listed_and_no_fault(
    run: Callable, recompressed: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    root, one, other = recompressed
    outcome = run("data", "check", root, "--near", "0.995", *TINY)
    said = lines(outcome)
    assert any(line.endswith(f" alike: {one}, {other}") for line in said)
    assert (
        "Near-duplicates across domains and parts (cosine of timm:test_efficientnet features from "
        "0.995, 13 images): 1 pair in 1 group."
    ) in said

    def refuse(*arguments: object) -> None:
        raise AssertionError("what is known was encoded again")

    monkeypatch.setattr("genmix_da.frozen.encoder.FrozenEncoder.encode", refuse)
    report = run("data", "check", root, "--near=0.995", *TINY, "--json").json()
    assert report["clean"] is True
    (group,) = report["near"]["groups"]
    assert group["images"] == [str(one), str(other)]
    assert group["pairs"][0][2] > 0.995


def test_near_has_a_threshold_of_its_own(run: Callable, data: Path) -> None:
    report = run("data", "check", data / "Art", "--near", *TINY, "--json").json()
    assert report["near"] == {
        "threshold": 0.95,
        "backbone": "timm:test_efficientnet",
        "compared": 0,
        "groups": [],
    }
    said = lines(run("data", "check", data / "Art", "--near", *TINY))
    assert any("of equal ones the first, are in one" in line for line in said)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (("--backbone", "resnet18"), "--backbone says with what --near looks; give --near, too."),
        (("--backbone-arg", "a=1"), "--backbone-arg says with what --near looks"),
        (("--near", "--backbone", "timm:test_efficientnet", "--weights", "nowhere.pth"), "nowhere"),
        (("--html", "."), "the page needs a name; give --html FILE."),
    ],
)
def test_mistakes_are_named_before_an_image_is_opened(
    run: Callable,
    complaint: Callable,
    data: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    what: str,
) -> None:
    monkeypatch.setattr("genmix_da.data.check._inspect", None)
    assert what in complaint(run("data", "check", data, *options))


@pytest.mark.parametrize(
    ("value", "what"),
    [("2", "no cosine"), ("0", "no cosine"), ("photos", "write the folder first")],
)
def test_thresholds_that_are_none(run: Callable, data: Path, value: str, what: str) -> None:
    outcome = run("data", "check", data, "--near", value)
    assert outcome.code == 2
    assert what in outcome.err


def test_verify(run: Callable, make_data: Callable, tmp_path: Path) -> None:
    root = make_data(tmp_path / "own", ("Art",), ("a", "b"), 2)
    decoded = decode_domain(load_domain(root, "Art"), 8, "bilinear")
    said = lines(run("data", "check", root, "--verify"))
    assert "Verified against 1 array of decoded images." in said
    # As if the first file had been another one when it was decoded.
    notes = next((tmp_path / "cache" / "images").glob("*.json"))
    content = json.loads(notes.read_text())
    content["contents"][0] = "0" * 16
    content["digest"] = decode._digest({k: v for k, v in content.items() if k != "digest"})
    notes.write_text(json.dumps(content))
    said = lines(run("data", "check", root, "--verify"), 1)
    changed = root / "Art" / "a" / "00.jpg"
    assert any(line.startswith(f"{changed}: other contents under the same size") for line in said)
    assert "Verified against 1 array of decoded images: 1 file changed." in said
    assert not list((tmp_path / "cache" / "images").glob("*.npy"))
    report = run("data", "check", root, "--verify", "--json").json()
    assert report["verified"] == {"arrays": 0, "changed": [], "others": 0}
    assert decode_domain(decoded.domain, 8, "bilinear").contents == decoded.contents


def test_json_has_every_field_of_the_report(run: Callable, data: Path) -> None:
    from genmix_da.data.checked import DataReport, DomainReport

    report = run("data", "check", data, "--json").json()
    fields = {field.name for field in dataclasses.fields(DataReport)}
    assert report.keys() == fields | {"clean"}
    assert report["domains"][0].keys() == {field.name for field in dataclasses.fields(DomainReport)}
    assert report["near"] is report["verified"] is None
