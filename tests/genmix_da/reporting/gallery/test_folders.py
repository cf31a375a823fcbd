"""Galleries of folders that were augmented without a run: sizes, fractals, lists, odd names."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gallery_folders import PARTS
from genmix_da.augment import (
    AugmentSettings,
    augment_folder,
    compose,
    fractals,
)
from genmix_da.augment.pipeline import augment_domain
from genmix_da.data.domains import load_domain
from genmix_da.reporting.gallery import gallery
from genmix_da.reporting.gallery_parts import UNLIKE


def run_without_source_model(folder: Path, **genmix: Any) -> dict[str, Any]:
    """The parts of a result.json that the gallery reads."""
    return {
        "source": "Art",
        "augment": {"editor": "mixed"},
        "source_model": {"augment": {"folder": str(folder)}},
        "provenance": {"config": {"genmix": genmix}},
    }


SMALL = AugmentSettings(editor="mixed", features="off", per_image=1, seam_width=4.0)


def test_large_pictures_are_shown_small(tmp_path: Path) -> None:
    (tmp_path / "in" / "cup").mkdir(parents=True)
    draw = np.random.default_rng(0)
    for n in range(4):
        noise = Image.fromarray(draw.integers(0, 255, (6, 4, 3), dtype=np.uint8))
        noise.resize((200, 300)).save(tmp_path / "in" / "cup" / f"{n}.png")
    done = augment_folder(tmp_path / "in", tmp_path / "out", replace(SMALL, size=240))
    kept = done.selection.count("kept")
    found = gallery(run_without_source_model(tmp_path / "out"), tmp_path)
    assert found.note == ""
    assert sum(entry.hybrid is not None for entry in found.entries) == kept > 0
    shapes = {
        pixels.shape
        for entry in found.entries
        for part in PARTS
        if (pixels := getattr(entry, part)) is not None
    }
    assert shapes == {(208, 139, 3)}


@pytest.fixture
def mostly_black() -> Iterator[None]:
    """Fractals that are black but for a column of light at the left."""
    column = np.zeros((64, 64, 3), np.uint8)
    column[:, :16] = 200
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fractals, "draw_fractal", lambda seed: column)
        yield


def test_folders_of_the_first_windows_are_shown_as_they_were_made(
    few: Path, mostly_black: None, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compose.fractal_source, "__defaults__", (1,))
        augment_folder(few, out, replace(SMALL, per_image=3, fractal_lambda=0.6))
    run = run_without_source_model(out)
    assert gallery(run, tmp_path, 40).note == ""
    record = json.loads((out / "augment.json").read_text())
    assert record["fractals"] == "own/v1/3/0"
    record["fractals"] += "/windows2"
    (out / "augment.json").write_text(json.dumps(record))
    assert UNLIKE in gallery(run, tmp_path, 40).note  # some were drawn again


def test_own_fractals_are_found_by_the_run(few: Path, tmp_path: Path) -> None:
    own = tmp_path / "own fractals"
    own.mkdir()
    for n in range(3):
        Image.effect_noise((40, 40), 50 + 20 * n).convert("RGB").save(own / f"{n}.png")
    augment_folder(few, tmp_path / "out", replace(SMALL, fractals=str(own)))
    told = run_without_source_model(tmp_path / "out", fractals=str(own))
    found = gallery(told, tmp_path)
    assert found.note == ""
    kept = [entry for entry in found.entries if entry.status == "kept"]
    assert {entry.fractal_name for entry in kept} <= {"0.png", "1.png", "2.png"}
    assert all(entry.fractal is not None for entry in kept) and kept
    shutil.rmtree(own)
    assert "the settings or the fractals are gone" in gallery(told, tmp_path).note


def test_edit_alone_has_no_fractal(few: Path, tmp_path: Path) -> None:
    augment_folder(few, tmp_path / "out", replace(SMALL, masks=(), fractal_lambda=0.0))
    found = gallery(run_without_source_model(tmp_path / "out"), tmp_path)
    assert found.note == ""
    kept = [entry for entry in found.entries if entry.status == "kept"]
    assert kept
    for entry in kept:
        assert (entry.mask_kind, entry.fractal_name, entry.fractal) == ("none", "", None)
        assert entry.mask is not None and entry.mask.min() == 255
        assert (entry.hybrid == entry.edit).all()
    assert found.threshold is None and found.similarities == ()


@pytest.mark.parametrize("absolute", [True, False])
def test_image_lists(
    few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, absolute: bool
) -> None:
    root = few.parent
    images = sorted(few.glob("*/*.*"))
    named = [f"Art/{p.parent.name}/{p.name} {int(p.parent.name == 'banana')}" for p in images]
    (root / "Listed.txt").write_text("\n".join(named))
    monkeypatch.chdir(tmp_path)
    place = root if absolute else Path("few")
    augment_domain(load_domain(place, "Listed"), tmp_path / "out", SMALL)
    found = gallery(run_without_source_model(tmp_path / "out"), tmp_path / "run")
    assert found.note == "" and len(found.entries) == 6
    monkeypatch.chdir("/")
    assert gallery(run_without_source_model(tmp_path / "out"), tmp_path / "run").note == ""


def test_place_of_the_source_is_noted_and_follows_it(few: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    augment_folder(few, out, SMALL)
    record = json.loads((out / "augment.json").read_text())
    assert record["source_folder"] == str(few.resolve())
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    augment_folder(few, out, SMALL, resume=True)
    assert {p: p.read_bytes() for p in before} == before  # the record as well
    few.rename(tmp_path / "Elsewhere")
    augment_folder(tmp_path / "Elsewhere", out, SMALL, resume=True)
    changed = {p.name for p in before if p.read_bytes() != before[p]}
    assert changed == {"augment.json"}
    now = json.loads((out / "augment.json").read_text())
    assert now == record | {"source_folder": str((tmp_path / "Elsewhere").resolve())}


def test_odd_names_pass_through(few: Path, tmp_path: Path) -> None:
    odd = few / "<b>x" / os.fsdecode(b"caf\xe9 <script>.png")
    try:
        odd.parent.mkdir()
        for n in range(6):
            shutil.copy(few / "apple" / "01.png", odd.with_name(f"{n}{odd.name}"))
    except (OSError, UnicodeEncodeError):
        pytest.skip("this file system takes no such names")
    augment_folder(few, tmp_path / "out", replace(SMALL, prompts="<i>snow; mud & rain"))
    found = gallery(run_without_source_model(tmp_path / "out"), tmp_path, 20)
    assert found.note == "" and "<b>x" in found.by_class
    ours = [entry for entry in found.entries if entry.class_name == "<b>x"]
    assert {entry.source for entry in ours} == {f"<b>x/{n}{odd.name}" for n in range(6)}
    assert any("<i>snow" in entry.prompt for entry in found.entries)
    assert all(entry.original is not None for entry in ours)
    assert any(entry.final is not None for entry in ours)
