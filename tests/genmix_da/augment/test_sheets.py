"""What is looked at: preview, report, histogram, sheets of the doubtful edits."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from genmix_da.augment import AugmentSettings, augment_folder
from genmix_da.augment.sheets import PARTS, TILE, tile, write_report
from genmix_da.places import cache_folder

ROW = TILE + 16
SMALL = ("--edit-size", 48)


@pytest.fixture
def source(photos: Callable, tmp_path: Path) -> Path:
    return photos(tmp_path / "in", 3)


def pixels_of(file: Path) -> np.ndarray:
    with Image.open(file) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize(("images", "rows"), [(1, 1), (2, 2), (4, 4), (50, 6)])
def test_preview_has_a_row_for_each_image_and_style(
    run: Callable, source: Path, tmp_path: Path, images: int, rows: int
) -> None:
    sheet = tmp_path / "new" / "sheet.png"
    outcome = run(
        *("preview", source, "--sheet", sheet, *SMALL, "--images", images),
        *("--prompts", "mosaic; autumn; sunset"),
    )
    assert outcome.out.strip() == str(sheet)
    assert pixels_of(sheet).shape == (rows * 3 * ROW, 6 * TILE, 3)
    assert len(PARTS) == 6
    assert not (cache_folder() / "edits").exists()  # nothing is cached


def test_preview_shows_every_part(run: Callable, source: Path, tmp_path: Path) -> None:
    arguments = ("preview", source, *SMALL, "--images", 1, "--prompts", "graffiti")
    run(*arguments, "--sheet", tmp_path / "a.png")
    run(*arguments, "--sheet", tmp_path / "b.png")
    run(*arguments, "--seed", 5, "--sheet", tmp_path / "c.png")
    run(*arguments, "--lambda", 0, "--sheet", tmp_path / "d.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "c.png").read_bytes()
    tiles = pixels_of(tmp_path / "a.png")[:TILE].reshape(TILE, 6, TILE, 3).swapaxes(0, 1)
    assert len({part.tobytes() for part in tiles}) == 6
    mask = tiles[2, 20:-20, 20:-20]
    assert (mask.min(), mask.max()) == (0, 255)
    plain = pixels_of(tmp_path / "d.png")[:TILE].reshape(TILE, 6, TILE, 3).swapaxes(0, 1)
    assert (plain[4] == 255).all()  # no fractal
    assert np.array_equal(plain[3], plain[5])


def test_preview_goes_round_broken_images(run: Callable, source: Path, tmp_path: Path) -> None:
    for name in ("00", "01"):
        (source / "cup" / f"{name}.png").write_bytes(b"broken")
    arguments = ("preview", source, *SMALL, "--prompts", "mosaic", "--sheet", tmp_path / "a.png")
    assert run(*arguments).code == 0
    assert pixels_of(tmp_path / "a.png").shape[0] == 4 * ROW


def test_preview_of_nothing(
    run: Callable, complaint: Callable, source: Path, tmp_path: Path
) -> None:
    sheet = ("--sheet", tmp_path / "a.png")
    assert "no folder" in complaint(run("preview", tmp_path / "nothing", *sheet))
    assert "it knows" in complaint(run("preview", source, *sheet, "--prompts", "thick oil"))
    for file in source.rglob("*.png"):
        file.write_bytes(b"")
    assert "none of the 6 images" in complaint(run("preview", source, *sheet))


@pytest.mark.parametrize("size", [(128, 128), (10, 300), (300, 10), (1, 1)])
def test_tile_holds_the_whole_picture(size: tuple[int, int]) -> None:
    framed = tile(np.zeros((*size, 3), np.uint8), "naïve 茶", 64)
    assert framed.shape == (64 + 16, 64, 3)
    assert (framed[:64] == 0).any()


def answer(image: np.ndarray, seed: int) -> np.ndarray:
    """One of five edits fails, one is unlike its original."""
    if seed % 5 == 0:
        return np.zeros_like(image)
    return 255 - image if seed % 5 == 1 else (image * 0.8 + 20).astype(np.uint8)


def test_report_agrees_with_the_manifest(
    source: Path,
    tmp_path: Path,
    settings: AugmentSettings,
    told: Any,
    encoder: Any,
    rows_of: Callable,
) -> None:
    told.answer = answer
    s = replace(settings, editor="told", per_image=6)
    out = tmp_path / "out"
    done = augment_folder(source, out, s, encoder=encoder)
    report = write_report(done.selection, out, s)
    assert json.loads((out / "report.json").read_text()) == report
    rows = rows_of(out)
    counts = Counter(row["status"] for row in rows)
    assert report["edits"] == {k: counts[k] for k in ("kept", "dropped", "failed")}
    assert min(counts["kept"], counts["dropped"]) > 0
    for group, key in (("styles", "style"), ("classes", "class")):
        for name, found in report[group].items():
            mine = Counter(row["status"] for row in rows if row[key] == name)
            assert found == {k: mine[k] for k in ("kept", "dropped", "failed")}
        assert sum(sum(found.values()) for found in report[group].values()) == len(rows)
    assert report["threshold"] == rows[0]["threshold"]
    assert report["threshold"] == pytest.approx(report["mean"] - 2 * report["std"])
    assert (report["editor"], report["features"]) == ("told", "thumbnail")
    for name in ("similarity", "worst_kept", "best_dropped"):
        assert pixels_of(out / f"{name}.png").std() > 5


def test_histogram_draws_the_threshold(
    source: Path, tmp_path: Path, settings: AugmentSettings, told: Any, encoder: Any
) -> None:
    told.answer = answer
    s = replace(settings, editor="told", per_image=6)
    done = augment_folder(source, tmp_path / "out", s, encoder=encoder)
    write_report(done.selection, tmp_path / "out", s)
    picture = pixels_of(tmp_path / "out" / "similarity.png").astype(int)
    red = np.abs(picture - (0xCC, 0x33, 0x11)).sum(axis=2) < 30
    assert red.any(axis=1).mean() > 0.5  # a line from top to bottom


def test_without_features_there_is_no_histogram(
    run: Callable, source: Path, tmp_path: Path
) -> None:
    assert run("augment", source, tmp_path / "out", *SMALL, "--features", "off").code == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["threshold"] is report["mean"] is report["std"] is None
    assert not (tmp_path / "out" / "similarity.png").exists()
    assert report["stand_in"] is True
