"""A gallery says what it cannot show: what moved, was emptied, or was edited by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gallery_folders import folder_of, rows_of, text_of, with_folder, write_rows
from genmix_da.reporting.gallery import Gallery, gallery


def test_emptied_cache_leaves_text_and_final_image(
    home: Path, result: dict[str, Any], shown: Gallery, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setenv("GENMIX_DA_CACHE", str(tmp_path / "empty"))
    found = gallery(result, home / "runs" / "run", 12)
    assert [text_of(e) for e in found.entries] == [text_of(e) for e in shown.entries]
    for entry, whole in zip(found.entries, shown.entries, strict=True):
        assert entry.edit is entry.mask is entry.hybrid is entry.fractal is None
        assert (entry.original == whole.original).all()
        assert (entry.final is None) == (entry.status != "kept")
    gone = sum(entry.status != "failed" for entry in found.entries)
    assert found.note == f"In {gone} of 12 rows the edit is not in the cache any more."
    assert found.counts == shown.counts
    assert not (tmp_path / "empty").exists()  # looking makes nothing


def test_moved_originals(moved: Path, result: dict[str, Any], monkeypatch: Any) -> None:
    record = folder_of(moved) / "augment.json"
    record.write_text(record.read_text().replace(str(moved.parent), "/gone"))
    stale = json.loads(record.read_text()) | {"source_folder": "/gone/data/Art"}
    record.write_text(json.dumps(stale))
    elsewhere = with_folder(result, folder_of(moved))
    # The data moved along with the run.
    assert gallery(elsewhere, moved / "runs" / "run", 12).note == ""
    (moved / "data").rename(moved / "shelf")
    found = gallery(elsewhere, moved / "runs" / "run", 12)
    assert found.note == "In 12 of 12 rows the original is not where it was."
    for entry in found.entries:
        assert entry.original is entry.mask is None
        assert (entry.edit is None) == (entry.status == "failed")
        assert (entry.final is None) == (entry.status != "kept")
    # The environment names the place.
    monkeypatch.setenv("GENMIX_DA_DATA", str(moved / "shelf"))
    assert gallery(elsewhere, moved / "runs" / "run", 12).note == ""


def test_folder_is_found_beside_a_moved_run(moved: Path, result: dict[str, Any]) -> None:
    name = Path("old/place/runs/augmented") / folder_of(moved).name
    found = gallery(with_folder(result, name), moved / "runs" / "run", 3)
    assert len(found.entries) == 3 and found.note == ""


def test_other_fractals_are_not_passed_off(
    moved: Path, result: dict[str, Any], monkeypatch: Any
) -> None:
    for file in (moved / "cache" / "fractals").rglob("*.png"):
        Image.effect_noise((64, 64), 90).convert("RGB").save(file)
    found = gallery(with_folder(result, folder_of(moved)), moved / "runs" / "run", 12)
    kept = [entry for entry in found.entries if entry.status == "kept"]
    assert f"In {len(kept)} of 12 rows the composition does not come out like" in found.note
    assert all(entry.mask is entry.hybrid is entry.fractal is None for entry in kept)
    assert all(entry.final is not None and entry.edit is not None for entry in kept)


def test_images_of_the_folder_gone(moved: Path, result: dict[str, Any]) -> None:
    for file in folder_of(moved).glob("*/*.jpg"):
        file.unlink()
    found = gallery(with_folder(result, folder_of(moved)), moved / "runs" / "run", 12)
    assert "the augmented image is not in its folder any more" in found.note
    assert all(e.final is not None for e in found.entries if e.status == "kept")  # made again


def test_manifest_of_an_older_version(moved: Path, result: dict[str, Any]) -> None:
    folder = folder_of(moved)
    rows = rows_of(folder)
    write_rows(folder, [{k: v for k, v in row.items() if k != "edit"} for row in rows])
    found = gallery(with_folder(result, folder), moved / "runs" / "run", 12)
    assert "which is of an older version" in found.note
    assert all(entry.original is not None and entry.edit is None for entry in found.entries)


def test_manifest_edited_by_hand(moved: Path, result: dict[str, Any], tmp_path: Path) -> None:
    folder, rows = folder_of(moved), rows_of(folder_of(moved))
    Image.new("RGB", (20, 20)).save(folder.parent / "evil.jpg")
    Image.new("RGB", (20, 20)).save(tmp_path / "evil.jpg")
    first = next(row for row in rows if row["status"] == "kept")
    odd = {
        "style": "<script>alert(1)</script>",
        "class": 7,
        "similarity": float("nan"),
        "mask": None,
        "edit": "../../../evil",
    }
    outputs = ("../evil.jpg", str(tmp_path / "evil.jpg"), "", "a\0b", "x" * 5000)
    write_rows(folder, [first | odd | {"output": o, "source": o} for o in outputs])
    with (folder / "manifest.jsonl").open("a") as handle:
        handle.write('no JSON\n[]\n{"status": "odd"}\n{"status": "failed"}\n')
    found = gallery(with_folder(result, folder), moved / "runs" / "run", 12)
    assert found.counts == {"kept": 5, "dropped": 0, "failed": 1}
    assert found.note.endswith("3 lines of the manifest cannot be read.")
    assert found.by_style == {
        "": {"kept": 0, "dropped": 0, "failed": 1},
        "<script>alert(1)</script>": {"kept": 5, "dropped": 0, "failed": 0},
    }
    assert found.similarities == ()
    assert all(entry.final is None and entry.edit is None for entry in found.entries)
    assert {entry.class_name for entry in found.entries} == {"7", ""}


@pytest.mark.parametrize("record", ["", "[]", '{"size": "big"}', '{"masks": 3}'])
def test_record_that_cannot_be_read(
    moved: Path, result: dict[str, Any], record: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENMIX_DA_DATA", str(moved / "data"))
    (folder_of(moved) / "augment.json").write_text(record)
    found = gallery(with_folder(result, folder_of(moved)), moved / "runs" / "run", 12)
    assert found.editor == "mixed" and found.stand_in
    kept = [entry for entry in found.entries if entry.status == "kept"]
    assert all(entry.final is not None for entry in kept)
    if record.startswith("{"):
        assert "cannot be made again: the settings or the fractals are gone" in found.note
        assert all(entry.hybrid is None for entry in kept)
    else:  # the run knows them too
        assert found.note == ""
        assert all(entry.hybrid is not None for entry in kept)


def test_no_gallery_says_why(home: Path, result: dict[str, Any], tmp_path: Path) -> None:
    run = home / "runs" / "run"
    plain = result | {"augment": None, "source_model": {"augment": None}}
    assert gallery(plain, run).note == "No image was augmented for this run."
    assert gallery(plain | {"source_model": None}, run).counts["kept"] == 0
    early = gallery(result | {"source_model": None}, run)
    assert early.note.endswith("the source model is not trained yet.") and early.editor == "mixed"
    online = gallery(with_folder(result, None), run)
    assert "online" in online.note and online.entries == ()
    assert online.counts == {
        status: result["source_model"]["augment"][status]
        for status in ("kept", "dropped", "failed")
    }
    assert online.threshold is not None
    assert "gone/away is not there any more" in gallery(with_folder(result, "gone/away"), run).note
    (tmp_path / "empty").mkdir()
    assert "no manifest.jsonl" in gallery(with_folder(result, tmp_path / "empty"), run).note
