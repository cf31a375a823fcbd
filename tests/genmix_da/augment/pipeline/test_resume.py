"""An augmentation that is gone on with: each edit once, and nothing mixed in."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genmix_da.augment import AugmentSettings, augment_folder
from genmix_da.augment.cache import Failure, edit_cache
from genmix_da.errors import UserError

CLI = ("--features", "off", "--edit-size", 48)


@pytest.mark.parametrize("stop", [1, 5, 11, 16])
def test_resumed_run_makes_each_edit_once(
    source: Path,
    settings: AugmentSettings,
    tmp_path: Path,
    told: Any,
    tree_of: Callable,
    monkeypatch: pytest.MonkeyPatch,
    stop: int,
) -> None:
    s = replace(settings, editor="told")
    finished: list[int] = []

    def answer(image: np.ndarray, seed: int) -> np.ndarray:
        if len(finished) == stop - 1 and not interrupted:
            interrupted.append(seed)
            raise KeyboardInterrupt
        finished.append(seed)
        return 255 - image

    interrupted: list[int] = []
    told.largest_batch = 1
    told.answer = answer
    with pytest.raises(KeyboardInterrupt):
        augment_folder(source, tmp_path / "out", s)
    done = augment_folder(source, tmp_path / "out", s, resume=True)
    assert len(finished) == len(set(finished)) == 16
    assert done.selection.made == 16 - (stop - 1)
    monkeypatch.setenv("GENMIX_DA_CACHE", str(tmp_path / "another cache"))
    augment_folder(source, tmp_path / "whole", s)
    assert tree_of(tmp_path / "whole") == tree_of(tmp_path / "out")


def test_resume_writes_only_what_is_missing(
    source: Path, settings: AugmentSettings, tmp_path: Path, tree_of: Callable
) -> None:
    out = tmp_path / "out"
    augment_folder(source, out, settings)
    before = tree_of(out)
    gone = sorted(out.rglob("*.jpg"))[3:6]
    for file in gone:
        file.unlink()
    times = {file: file.stat().st_mtime_ns for file in out.rglob("*.jpg")}
    done = augment_folder(source, out, settings, resume=True)
    assert done.written == 3
    assert tree_of(out) == before
    assert all(file.stat().st_mtime_ns == time for file, time in times.items())


@pytest.mark.parametrize("damage", ["bit", "another image", "cut"])
def test_an_image_that_is_not_that_of_its_manifest_is_made_again(
    source: Path,
    settings: AugmentSettings,
    tmp_path: Path,
    tree_of: Callable,
    caplog: pytest.LogCaptureFixture,
    damage: str,
) -> None:
    out = tmp_path / "out"
    augment_folder(source, out, settings)
    before = tree_of(out)
    file, other = sorted(out.rglob("*.jpg"))[3:5]
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes({"bit": content, "another image": other.read_bytes()}.get(damage, b"JPEG"))
    done = augment_folder(source, out, settings, resume=True)
    assert done.written == 1
    assert tree_of(out) == before
    what = "damaged" if damage == "cut" else "not the image of its manifest"
    assert f"{file} is {what} and is made again" in caplog.text


@pytest.mark.parametrize("damage", ["cut", "cut at a line", "a line", "empty"])
def test_what_a_damaged_manifest_does_not_vouch_for_is_made_again(
    source: Path, settings: AugmentSettings, tmp_path: Path, tree_of: Callable, damage: str
) -> None:
    out = tmp_path / "out"
    augment_folder(source, out, settings)
    before = tree_of(out)
    manifest = out / "manifest.jsonl"
    lines = manifest.read_text().splitlines(keepends=True)
    left = {
        "cut": "".join(lines)[: len("".join(lines)) // 2],
        "cut at a line": "".join(lines[:4]),
        "a line": "".join(["{\n", *lines[1:]]),
        "empty": "no line of a manifest",
    }
    manifest.write_text(left[damage])
    for file in out.rglob("*.jpg"):
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    augment_folder(source, out, settings, resume=True)
    assert tree_of(out) == before


def test_an_edit_with_one_wrong_bit_is_made_again(
    source: Path, settings: AugmentSettings, tmp_path: Path, told: Any, tree_of: Callable
) -> None:
    out, s = tmp_path / "out", replace(settings, editor="told")
    done = augment_folder(source, out, s)
    before = tree_of(out)
    edit = done.selection.edits[5]
    file = edit_cache().path(edit.job.key)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    (out / "cup").rename(tmp_path / "away")
    augment_folder(source, out, s, resume=True)
    assert tree_of(out) == before
    assert told.seeds.count(edit.job.seed) == 2


@pytest.mark.parametrize(("damaged", "seen"), [(b"", True), (b"\xff\xd8\xff\xd9", False)])
def test_resume_survives_a_damaged_edit(
    source: Path,
    settings: AugmentSettings,
    tmp_path: Path,
    told: Any,
    tree_of: Callable,
    damaged: bytes,
    seen: bool,
) -> None:
    """One that is cut off is seen at its end and made again, another when it is to be used."""
    out, s = tmp_path / "out", replace(settings, editor="told")
    done = augment_folder(source, out, s)
    before = tree_of(out)
    edit = done.selection.edits[5]
    edit_cache().path(edit.job.key).write_bytes(damaged)
    (out / "cup").rename(tmp_path / "away")
    if not seen:
        with pytest.raises(UserError, match="run the command again"):
            augment_folder(source, out, s, resume=True)
    augment_folder(source, out, s, resume=True)
    assert tree_of(out) == before
    assert told.seeds.count(edit.job.seed) == 2


def test_edit_that_failed_before_stays_failed_without_features(
    source: Path, settings: AugmentSettings, tmp_path: Path, told: Any
) -> None:
    told.answer = lambda image, seed: np.zeros_like(image)
    done = augment_folder(source, tmp_path / "out", replace(settings, editor="told"))
    assert {edit.status for edit in done.selection.edits} == {"failed"}
    assert edit_cache().get(done.selection.edits[0].job.key) == Failure("black")


CHANGES = {
    "seed": ("--seed", 1),
    "fractal_lambda": ("--lambda", 0.3),
    "masks": ("--masks", "vertical"),
    "per_image": ("--per-image", 1),
    "prompts": ("--prompts", "mosaic; autumn"),
    "size": ("--edit-size", 32),
    "seam_width": ("--seam-width", 4),
    "patches": ("--patches", 3),
    "rule": ("--rule", "same-class"),
    "sigmas": ("--sigmas", 1),
}


def test_changed_settings_are_refused_by_name(
    run: Callable, complaint: Callable, source: Path, tmp_path: Path, tree_of: Callable
) -> None:
    arguments = ("augment", source, tmp_path / "out", *CLI)
    assert run(*arguments).code == 0
    before = tree_of(tmp_path / "out")
    for name, change in (*CHANGES.items(), ("fractals", ("--fractals", source / "cup"))):
        said = complaint(run(*arguments, *change, "--resume"))
        assert f"other settings ({name}: " in said, name
    assert tree_of(tmp_path / "out") == before
    assert run(*arguments, "--resume").code == 0


def test_changed_encoder_is_refused_by_name(
    source: Path, settings: AugmentSettings, tmp_path: Path, encoder: Any
) -> None:
    augment_folder(source, tmp_path / "out", settings)
    with pytest.raises(UserError, match="features: 'off' there, 'thumbnail/4' now"):
        augment_folder(source, tmp_path / "out", settings, encoder=encoder, resume=True)


@pytest.mark.parametrize("change", ["added", "removed", "changed"])
def test_other_images_are_not_mixed_in(
    source: Path,
    settings: AugmentSettings,
    tmp_path: Path,
    tree_of: Callable,
    change: str,
) -> None:
    out = tmp_path / "out"
    augment_folder(source, out, settings)
    before = tree_of(out)
    if change == "added":
        shutil.copy(source / "lamp" / "00.png", source / "cup" / "09.png")
    elif change == "removed":
        (source / "cup" / "00.png").unlink()
    else:
        shutil.copy(source / "lamp" / "00.png", source / "cup" / "00.png")
    with pytest.raises(UserError, match="made from other images"):
        augment_folder(source, out, settings, resume=True)
    assert tree_of(out) == before


def test_moved_source_can_be_gone_on_with(
    source: Path, settings: AugmentSettings, tmp_path: Path, tree_of: Callable
) -> None:
    augment_folder(source, tmp_path / "out", settings)
    before = tree_of(tmp_path / "out")
    done = augment_folder(source.rename(tmp_path / "new"), tmp_path / "out", settings, resume=True)
    assert done.written == 0
    assert tree_of(tmp_path / "out") == before


def test_finished_folder_needs_resume(
    run: Callable, complaint: Callable, source: Path, tmp_path: Path
) -> None:
    assert run("augment", source, tmp_path / "out", *CLI).code == 0
    said = complaint(run("augment", source, tmp_path / "out", *CLI))
    assert "already holds this augmentation; add --resume" in said


@pytest.mark.parametrize("left", [0, 1, 2, 200])
def test_a_damaged_output_is_made_again(
    left: int,
    source: Path,
    settings: AugmentSettings,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    out = tmp_path / "out"
    augment_folder(source, out, settings)
    path = min(out.rglob("*.jpg"))
    whole = path.read_bytes()
    path.write_bytes(whole[:left])
    assert augment_folder(source, out, settings, resume=True).written == 1
    assert path.read_bytes() == whole
    assert f"{path} is damaged and is made again" in caplog.text
