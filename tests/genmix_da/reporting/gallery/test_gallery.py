"""The gallery of a run shows what was done."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from gallery_folders import PARTS, folder_of, rows_of, text_of
from genmix_da.places import cache_folder
from genmix_da.reporting.gallery import Gallery, gallery
from genmix_da.reporting.gallery_manifest import read_manifest


def test_counts_are_those_of_the_edits(home: Path, shown: Gallery, result: dict[str, Any]) -> None:
    report = json.loads((folder_of(home) / "report.json").read_text())
    assert all(report["edits"].values()), "the run must hold kept, dropped and failed edits"
    assert shown.counts == report["edits"]
    assert shown.by_style == report["styles"]
    assert shown.by_class == report["classes"]
    assert set(shown.by_class) == {"apple", "banana", "cherry", "date"}
    assert shown.threshold == report["threshold"] == result["source_model"]["augment"]["threshold"]
    assert Counter(status for _, status in shown.similarities) == {
        "kept": report["edits"]["kept"],
        "dropped": report["edits"]["dropped"],
    }
    for similarity, status in shown.similarities:
        assert (similarity >= report["threshold"]) == (status == "kept")
    assert (shown.editor, shown.stand_in, shown.note) == ("mixed", True, "")
    assert shown.settings["sigmas"] == 1.0 and shown.settings["per_image"] == 2
    assert not {"data", "source_folder", "provenance"} & set(shown.settings)


def test_every_kind_is_shown_with_what_there_is(shown: Gallery) -> None:
    statuses = [entry.status for entry in shown.entries]
    assert len(statuses) == 12
    assert min(Counter(statuses).values()) >= 2 and len(set(statuses)) == 3
    assert statuses == sorted(statuses, key=["kept", "dropped", "failed"].index)
    for entry in shown.entries:
        there = [name for name in PARTS if getattr(entry, name) is not None]
        if entry.status == "kept":
            assert there == list(PARTS) and entry.reason == ""
            assert entry.mask_kind and entry.fractal_name.endswith(".png")
        elif entry.status == "dropped":
            assert there == ["original", "edit"] and entry.similarity is not None
            assert entry.mask_kind == entry.fractal_name == ""
        else:
            assert there == ["original"] and entry.reason == "black" and entry.similarity is None
        assert entry.prompt.startswith("A transformed version of image into ")


def test_parts_are_those_of_the_image_on_disk(home: Path, shown: Gallery) -> None:
    kept = [entry for entry in shown.entries if entry.status == "kept"]
    by_name = {(row["source"], row["style"]): row for row in rows_of(folder_of(home))}
    for entry in kept:
        row = by_name[entry.source, entry.style]
        disk = cv2.imread(str(folder_of(home) / row["output"]))[:, :, ::-1]
        assert np.abs(entry.final - disk.astype(int)).max() <= 2  # two JPEG decoders
        original = np.asarray(Image.open(home / "data" / "Art" / entry.source).convert("RGB"))
        assert np.abs(original - np.asarray(entry.original, dtype=int)).max() == 0
        share = np.asarray(entry.mask) / 255
        hybrid = share * entry.edit + (1 - share) * original
        assert np.abs(hybrid - entry.hybrid).max() <= 2  # rounding of mask and hybrid
        final = 0.8 * np.asarray(entry.hybrid) + 0.2 * np.asarray(entry.fractal)
        assert np.abs(final - disk).mean() < 4
        for part in PARTS:
            assert getattr(entry, part).dtype == np.uint8
            assert getattr(entry, part).shape == (20, 20, 3)


def test_gallery_repeats(home: Path, result: dict[str, Any], shown: Gallery) -> None:
    again = gallery(result, home / "runs" / "run", 12)
    assert [text_of(e) for e in again.entries] == [text_of(e) for e in shown.entries]
    assert len(gallery(result, home / "runs" / "run").entries) == 8


def test_every_edit_is_named_by_its_key(home: Path, cached: None) -> None:
    rows = rows_of(folder_of(home))
    for row in rows:
        file = cache_folder() / "edits" / row["edit"][:2] / row["edit"]
        failed = row["status"] == "failed"
        assert file.with_suffix(".failed" if failed else ".jpg").is_file()
    assert len({row["edit"] for row in rows}) == len(rows)
    lines, bad = read_manifest(folder_of(home))
    assert (len(lines), bad) == (len(rows), 0)
