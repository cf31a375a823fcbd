"""Folders that cannot be augmented or written to, and images that select nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from genmix_da.augment import AugmentSettings, augment_domain, augment_folder
from genmix_da.data.domains import load_domain
from genmix_da.errors import UserError

CLI = ("--features", "off", "--edit-size", 48)


def test_no_source(refused: Callable, tmp_path: Path) -> None:
    assert "no folder" in refused(tmp_path / "nothing", tmp_path / "out")


def test_source_without_classes(refused: Callable, tmp_path: Path, picture: Callable) -> None:
    (tmp_path / "in").mkdir()
    assert "no image under" in refused(tmp_path / "in", tmp_path / "out")
    Image.fromarray(picture(1)).save(tmp_path / "in" / "a.png")
    assert "has images but no class folders" in refused(tmp_path / "in", tmp_path / "out")


@pytest.mark.parametrize("out", ["in/out", "in", ".", "in/cup/deep/out"])
def test_output_and_source_in_each_other(
    refused: Callable, source: Path, tmp_path: Path, out: str
) -> None:
    before = sorted(tmp_path.rglob("*"))
    assert "lie in each other" in refused(source, tmp_path / out)
    assert sorted(tmp_path.rglob("*")) == before


def test_output_in_the_source_by_a_link(refused: Callable, source: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(source)
    assert "lie in each other" in refused(source, tmp_path / "link" / "out")


@pytest.mark.parametrize("resume", [(), ("--resume",)])
def test_foreign_output_is_left_alone(
    refused: Callable, source: Path, tmp_path: Path, resume: tuple[str, ...]
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    assert "not empty and not an augmentation" in refused(source, tmp_path / "out", *resume)
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["thesis.txt"]


def test_output_is_a_file(refused: Callable, source: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    assert "choose another folder" in refused(source, tmp_path / "out")


def test_empty_class_folder_is_warned_of(run: Callable, source: Path, tmp_path: Path) -> None:
    (source / "empty").mkdir()
    (source / "notes").mkdir()
    (source / "notes" / "a.txt").write_text("no image")
    outcome = run("augment", source, tmp_path / "out", *CLI)
    assert outcome.code == 0
    for name in ("empty", "notes"):
        assert f"left out {source / name}: a folder without images" in outcome.err
    assert not (tmp_path / "out" / "empty").exists()


def test_images_folder_between_is_no_empty_class(
    run: Callable, photos: Callable, tmp_path: Path
) -> None:
    photos(tmp_path / "in" / "images", 1)
    outcome = run("augment", tmp_path / "in", tmp_path / "out", *CLI)
    assert outcome.code == 0
    assert "left out" not in outcome.err


def test_one_image_has_no_pair_statistics(
    photos: Callable, tmp_path: Path, settings: AugmentSettings, encoder: Any
) -> None:
    source = photos(tmp_path / "in", 1, ["cup"])
    with pytest.raises(UserError, match=r"too few images for faithful selection.*--features off"):
        augment_folder(source, tmp_path / "out", settings, encoder=encoder)
    done = augment_folder(source, tmp_path / "other", settings)
    assert done.written == 2


def test_unusable_features_are_refused(
    source: Path, tmp_path: Path, settings: AugmentSettings, encoder: Any
) -> None:
    for value in (0.0, np.nan):
        encoder.encode = lambda images, value=value: np.full((len(images), 8), value, np.float32)
        with pytest.raises(UserError, match="zero or not finite"):
            augment_folder(source, tmp_path / f"out {value}", settings, encoder=encoder)


def test_warned_of_a_threshold_that_keeps_everything_or_little(
    source: Path,
    tmp_path: Path,
    settings: AugmentSettings,
    encoder: Any,
    told: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    s = replace(settings, editor="told")
    told.answer = lambda image, seed: image
    augment_folder(source, tmp_path / "kept", s, encoder=encoder)
    assert "keeps every edit" in caplog.text
    caplog.clear()
    told.settings = {"strength": 2}
    told.answer = lambda image, seed: 255 - image
    augment_folder(source, tmp_path / "dropped", replace(s, sigmas=0.001), encoder=encoder)
    assert "drops 12 of 12 edits" in caplog.text


def test_two_images_of_one_class_and_name_are_refused(
    tmp_path: Path, settings: AugmentSettings, picture: Callable
) -> None:
    for seed, place in enumerate(("a/1", "b/1", "b/2")):
        (tmp_path / "data" / place).mkdir(parents=True)
        Image.fromarray(picture(seed)).save(tmp_path / "data" / place / "x.png")
    (tmp_path / "data" / "List.txt").write_text("a/1/x.png 0\nb/2/x.png 1\nb/1/x.png 0\n")
    domain = load_domain(tmp_path / "data", "List")
    with pytest.raises(UserError, match=r"two images of class '1' are named x.png.*b/1/x.png"):
        augment_domain(domain, tmp_path / "out", settings)
    assert not (tmp_path / "out").exists()
