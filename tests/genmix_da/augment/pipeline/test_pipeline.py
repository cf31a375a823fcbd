"""`augment` over a folder: what it leaves, and that it repeats."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genmix_da.augment import AugmentSettings, augment_folder
from genmix_da.augment.cache import edit_cache
from genmix_da.augment.edits import load_working_image
from genmix_da.augment.masks import MASK_KINDS
from genmix_da.errors import UserError
from genmix_da.places import cache_folder

FIELDS = {
    *("source", "class", "style", "prompt", "editor", "seed", "mask", "fractal", "lambda"),
    *("similarity", "threshold", "kept", "output", "edit"),
}
CLI = ("--features", "off", "--edit-size", 48)


def unfaithful(image: np.ndarray, seed: int) -> np.ndarray:
    """The original fading into its negative turned upside down: every degree of likeness."""
    share = seed % 101 / 100
    return (image * (1 - share) + (255 - image[::-1]) * share).astype(np.uint8)


def test_a_line_for_every_edit(
    source: Path, settings: AugmentSettings, tmp_path: Path, rows_of: Callable
) -> None:
    done = augment_folder(source, tmp_path / "out", settings)
    rows = rows_of(tmp_path / "out")
    assert len(rows) == len(done.selection.edits) == 16
    assert (done.written, done.selection.made) == (16, 16)
    assert [row["source"] for row in rows[::2]] == [
        f"{name}/{n:02}.png" for name in ("cup", "lamp") for n in range(4)
    ]
    for row in rows:
        assert set(row) >= FIELDS
        assert row["class"] == row["source"].split("/")[0]
        assert row["prompt"].startswith("A transformed version of image into ")
        assert (row["editor"], row["stand_in"], row["lambda"]) == ("filters", True, 0.2)
        assert row["mask"] in MASK_KINDS
        assert (cache_folder() / "fractals" / "v1" / row["fractal"]).is_file()
        assert row["kept"] is True
        assert row["similarity"] is row["threshold"] is row["reason"] is None
        name = f"{row['source']}.{rows.index(row) % 2}.{row['style']}.jpg"
        assert row["output"] == name
        assert edit_cache().has(row["edit"])
    assert len({row["seed"] for row in rows}) == 16
    # Two edits of an image are of two styles.
    assert all(a["style"] != b["style"] for a, b in zip(rows[::2], rows[1::2], strict=True))


def test_files_are_those_of_the_manifest(
    source: Path, settings: AugmentSettings, tmp_path: Path, rows_of: Callable, told: Any
) -> None:
    told.answer = unfaithful
    out = tmp_path / "out"
    s = replace(settings, editor="told", per_image=3)
    augment_folder(source, out, s)
    kept = {row["output"] for row in rows_of(out) if row["kept"]}
    assert {str(p.relative_to(out)) for p in out.rglob("*.jpg")} == kept
    assert {p.name for p in out.iterdir()} == {"cup", "lamp", "manifest.jsonl", "augment.json"}


def features_of(pixels: np.ndarray, encoder: Any) -> np.ndarray:
    vector = encoder.encode([pixels])[0].astype(np.longdouble)
    return vector / np.sqrt(vector @ vector)


@pytest.mark.parametrize(("rule", "sigmas"), [("all-pairs", 0.5), ("same-class", 0.5)])
def test_threshold_and_decisions_follow_from_the_pictures(
    source: Path,
    settings: AugmentSettings,
    tmp_path: Path,
    rows_of: Callable,
    told: Any,
    encoder: Any,
    rule: str,
    sigmas: float,
) -> None:
    told.answer = unfaithful
    s = replace(settings, editor="told", per_image=3, rule=rule, sigmas=sigmas, features="thumb")
    done = augment_folder(source, tmp_path / "out", s, encoder=encoder)
    files = sorted(source.glob("*/*.png"))
    originals = [features_of(load_working_image(file, 48), encoder) for file in files]
    pairs = [
        float(a @ b)
        for i, a in enumerate(originals)
        for j, b in enumerate(originals)
        if i != j and (rule == "all-pairs" or files[i].parent == files[j].parent)
    ]
    threshold = np.mean(pairs) - sigmas * np.std(pairs)
    rows = rows_of(tmp_path / "out")
    for row, edit in zip(rows, done.selection.edits, strict=True):
        original = originals[files.index(source / row["source"])]
        picture = edit_cache().get(edit.job.key)
        assert isinstance(picture, np.ndarray)
        similarity = float(original @ features_of(picture, encoder))
        assert row["threshold"] == pytest.approx(threshold, abs=1e-9)
        assert row["similarity"] == pytest.approx(similarity, abs=1e-6)
        assert row["kept"] == (row["similarity"] >= row["threshold"])
        assert row["status"] == ("kept" if row["kept"] else "dropped")
        assert (row["output"] is None) == (not row["kept"])
    assert {row["kept"] for row in rows} == {True, False}


@pytest.mark.parametrize("warm", [True, False], ids=["warm cache", "cold cache"])
def test_a_second_run_gives_the_same_bytes(
    source: Path,
    settings: AugmentSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tree_of: Callable,
    encoder: Any,
    warm: bool,
) -> None:
    augment_folder(source, tmp_path / "first", settings, encoder=encoder)
    asked = encoder.encoded
    assert asked == 8 + 16
    if not warm:
        monkeypatch.setenv("GENMIX_DA_CACHE", str(tmp_path / "another cache"))
    done = augment_folder(source, tmp_path / "second", settings, encoder=encoder)
    assert tree_of(tmp_path / "first") == tree_of(tmp_path / "second")
    assert done.selection.made == (0 if warm else 16)
    assert encoder.encoded == (asked if warm else 2 * asked)


def test_another_seed_draws_other_images(
    source: Path, settings: AugmentSettings, tmp_path: Path, rows_of: Callable
) -> None:
    augment_folder(source, tmp_path / "first", settings)
    augment_folder(source, tmp_path / "second", replace(settings, seed=1))
    first, second = rows_of(tmp_path / "first"), rows_of(tmp_path / "second")
    for key in ("style", "seed", "mask", "fractal"):
        assert [row[key] for row in first] != [row[key] for row in second]


def test_place_and_neighbours_of_an_image_do_not_change_it(
    source: Path, settings: AugmentSettings, tmp_path: Path
) -> None:
    augment_folder(source, tmp_path / "first", settings)
    moved = tmp_path / "moved"
    shutil.copytree(source, moved)
    (moved / "cup" / "00.png").unlink()
    done = augment_folder(moved, tmp_path / "second", settings)
    assert done.selection.made == 0
    for file in (tmp_path / "second").rglob("*.jpg"):
        twin = tmp_path / "first" / file.relative_to(tmp_path / "second")
        assert file.read_bytes() == twin.read_bytes()


def test_cheap_settings_make_no_new_edits(
    source: Path, settings: AugmentSettings, tmp_path: Path, told: Any, encoder: Any
) -> None:
    s = replace(settings, editor="told")
    augment_folder(source, tmp_path / "0", s)
    asked = len(told.seeds)
    assert asked == 16
    others = [
        replace(s, masks=("vertical",)),
        replace(s, fractal_lambda=0.4),
        replace(s, seam_width=3.0, patches=2),
        replace(s, per_image=1),
    ]
    for number, other in enumerate(others, start=1):
        augment_folder(source, tmp_path / str(number), other, encoder=encoder)
    assert len(told.seeds) == asked
    augment_folder(source, tmp_path / "more", replace(s, per_image=3))
    assert len(told.seeds) == asked + 8  # the third edit of each image alone


def test_settings_of_an_editor_are_part_of_the_cache(
    source: Path, settings: AugmentSettings, tmp_path: Path, told: Any
) -> None:
    s = replace(settings, editor="told")
    augment_folder(source, tmp_path / "0", s)
    told.settings = {"strength": 2}
    augment_folder(source, tmp_path / "1", s)
    assert len(told.seeds) == 32
    with pytest.raises(UserError, match=r"other settings.*strength"):
        augment_folder(source, tmp_path / "0", s, resume=True)


def test_command_says_what_it_did(run: Callable, source: Path, tmp_path: Path) -> None:
    said = run("augment", source, tmp_path / "out", *CLI).out
    assert "16 kept, 0 dropped, 0 failed; 16 edits made now, 16 images written" in said
    assert "the editor 'filters' is a stand-in" in said
    report = run("augment", source, tmp_path / "out", *CLI, "--resume", "--json").json()
    assert report["edits"] == {"kept": 16, "dropped": 0, "failed": 0}
    record = json.loads((tmp_path / "out" / "augment.json").read_text())
    assert (record["editor"], record["stand_in"], record["features"]) == ("filters", True, "off")
    assert record["provenance"]["packages"]["numpy"]


def test_edit_alone_without_masks_and_fractal(
    source: Path, settings: AugmentSettings, tmp_path: Path, told: Any, rows_of: Callable
) -> None:
    s = replace(settings, editor="told", masks=(), fractal_lambda=0.0)
    done = augment_folder(source, tmp_path / "out", s)
    assert not (cache_folder() / "fractals").exists()
    for row, edit in zip(rows_of(tmp_path / "out"), done.selection.edits, strict=True):
        assert (row["mask"], row["fractal"], row["lambda"]) == ("none", None, 0.0)
        kept = edit_cache().get(edit.job.key)
        final = load_working_image(tmp_path / "out" / row["output"], 48)
        assert np.abs(final.astype(int) - kept).max() <= 8  # both JPEG


def test_more_edits_than_styles_take_another_seed(
    source: Path, settings: AugmentSettings, tmp_path: Path, told: Any, rows_of: Callable
) -> None:
    s = replace(settings, editor="told", prompts="ink; chalk", per_image=5)
    augment_folder(source, tmp_path / "out", s)
    rows = rows_of(tmp_path / "out")[:5]
    assert sorted(row["style"] for row in rows[:4]) == ["chalk", "chalk", "ink", "ink"]
    assert len({row["seed"] for row in rows}) == 5


def test_output_is_never_larger_than_the_original(
    source: Path, settings: AugmentSettings, tmp_path: Path
) -> None:
    augment_folder(source, tmp_path / "same", replace(settings, size=512))
    augment_folder(source, tmp_path / "small", replace(settings, size=20))
    for folder, size in (("same", (40, 32)), ("small", (20, 16))):
        for file in (tmp_path / folder).rglob("*.jpg"):
            assert load_working_image(file, 512).shape[:2] == size


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (("--masks", "diagonal"), "no mask 'diagonal'"),
        (("--lambda", 1), "--lambda is 1.0"),
        (("--lambda", "nan"), "--lambda"),
        (("--per-image", 0), "--per-image is 0"),
        (("--patches", 1), "--patches is 1"),
        (("--edit-size", 8), "--edit-size is 8"),
        (("--seam-width", -1), "--seam-width"),
        (("--seam-width", "inf"), "--seam-width"),
        (("--sigmas", "nan"), "--sigmas"),
        (("--rule", "all"), "no selection rule 'all'"),
        (("--editor", "filter"), "did you mean 'filters'"),
        (("--prompts", "thick oil"), "it knows: graffiti"),
        (("--features", "backbone"), "give --weights too"),
    ],
    ids=str,
)
def test_bad_options_leave_no_output(
    run: Callable, complaint: Callable, source: Path, tmp_path: Path, value: tuple, said: str
) -> None:
    assert said in complaint(run("augment", source, tmp_path / "out", *CLI, *value))
    assert not list((tmp_path / "out").rglob("*.jpg"))
    assert not (cache_folder() / "edits").exists()
