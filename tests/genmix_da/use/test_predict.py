"""What `predict` takes and writes: one image, a list of paths, ranks and probabilities."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest


def read(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as handle:
        return list(csv.DictReader(handle))


def test_predict_takes_an_image_and_passes_over_bad_ones(
    run: Callable, complaint: Callable, finished: Any, data: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "own"
    shutil.copytree(data / "Art" / "apple", folder)
    images = sorted(folder.iterdir())
    for image in images[:3]:
        image.write_bytes(b"junk")
    arguments = ("predict", finished.folder, folder, "--out", tmp_path / "p.csv")
    outcome = run(*arguments)
    assert (outcome.code, f"{len(images) - 3} images" in outcome.out) == (0, True)
    assert "3 skipped" in outcome.out
    assert f"skipped {images[0]}: not an image" in outcome.err
    assert "more than 5%" in complaint(run(*arguments, "--strict"))
    for image in images[3:]:
        image.write_bytes(b"junk")
    assert "none of the 12 images" in complaint(run(*arguments))
    one = next((data / "Clipart").rglob("*.png"))
    assert run("predict", finished.folder, one, "--out", tmp_path / "one.csv").code == 0
    with (tmp_path / "one.csv").open(newline="") as handle:
        assert [row["path"] for row in csv.DictReader(handle)] == [str(one)]


def test_ranks_and_probabilities(run: Callable, finished: Any, data: Path, tmp_path: Path) -> None:
    out, file = tmp_path / "p.csv", tmp_path / "all.npz"
    options = ("--out", out, "--probabilities", file, "--threshold", 0.0001)
    assert run("predict", finished.folder, data / "Clipart", *options).code == 0
    with out.open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert any(row["predicted"] == "unknown" for row in rows)
    held = np.load(file)
    assert held["paths"].tolist() == [row["path"] for row in rows]
    assert held["probability"].sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert held["graph_probability"].shape == held["probability"].shape
    order = np.argsort(-held["probability"], axis=1, kind="stable")
    for row, ranked, values in zip(rows, order, held["probability"], strict=True):
        assert row["best_class"] == held["classes"][ranked[0]]
        assert row["second_class"] == held["classes"][ranked[1]]
        assert float(row["second_probability"]) == pytest.approx(values[ranked[1]], abs=1e-6)
        assert float(row["third_probability"]) == pytest.approx(values[ranked[2]], abs=1e-6)


def test_predict_takes_a_list_of_paths_without_labels(
    run: Callable, finished: Any, data: Path, tmp_path: Path
) -> None:
    images = sorted((data / "Art").rglob("*.png"))[:3]
    (tmp_path / "mine.txt").write_text("\n".join(map(str, images)) + "\n")
    out = tmp_path / "p.csv"
    found = run("predict", finished.folder, tmp_path / "mine.txt", "--out", out, "--json").json()
    assert found["images"] == 3
    (tmp_path / "mine.txt").write_text(f"{images[0]}\nnowhere.png\n")
    outcome = run("predict", finished.folder, tmp_path / "mine.txt", "--out", out)
    assert (outcome.code, "neither a folder nor a list" in outcome.err) == (2, True)
