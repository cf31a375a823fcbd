"""The gallery of a run: what it shows is what was done, and it says what it cannot show.

One tiny run is made with the filters, of which some edits are told to fail or to be unfaithful;
tests that change something work on a copy.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

import genmix_da
from genmix_da.augment import (
    AugmentSettings,
    augment_folder,
    compose,
    editors,
    fractals,
    source_task,
)
from genmix_da.augment.pipeline import augment_domain
from genmix_da.data.domains import load_domain
from genmix_da.places import cache_folder
from genmix_da.report.gallery import Entry, Gallery, gallery
from genmix_da.report.gallery_choice import choose_lines
from genmix_da.report.gallery_manifest import Line, read_manifest

PARTS = ("original", "edit", "mask", "hybrid", "fractal", "final")


class MixedEditor:
    """Pales images; one edit in six is black, and one in six the negative."""

    name = "mixed"
    stand_in = True
    native_size = None
    largest_batch = 4
    slow = False
    settings: dict[str, Any] = {"kind": "mixed"}  # noqa: RUF012

    def check(self, styles: Sequence[Any]) -> None:
        """Knows every style."""

    def seconds_per_edit(self) -> None:
        """Nothing to ask about."""

    def faster(self) -> None:
        """Nothing to save."""

    def edit(
        self, images: Sequence[np.ndarray], prompts: Sequence[Any], seeds: Sequence[int]
    ) -> list[np.ndarray]:
        return [self._one(image) for image in images]

    def _one(self, image: np.ndarray) -> np.ndarray:
        # By the picture, so that the second attempt fails like the first.
        kind = int(image.sum()) % 6
        return image * 0 if kind == 0 else 255 - image if kind == 1 else image // 2 + 60


class ThumbnailEncoder:
    """Colours of a 4 x 4 thumbnail as features."""

    name = identity = "thumbnail"

    def encode(self, images: Sequence[np.ndarray]) -> np.ndarray:
        small = [Image.fromarray(i).resize((4, 4), Image.Resampling.BOX) for i in images]
        return np.stack([np.asarray(s, dtype=np.float32).ravel() for s in small]) / 255 - 0.5


@pytest.fixture(scope="module", autouse=True)
def few_fractals() -> Any:
    """Three fractals of 64 pixels, in place of sixty-four of 512."""
    draw = fractals.draw_fractal
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compose, "COUNT", 3)
        patch.setattr(fractals, "draw_fractal", lambda seed: draw(seed, side=64))
        patch.setitem(editors.EDITORS, "mixed", lambda request: MixedEditor())
        yield


@pytest.fixture(scope="module")
def home(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `data`, `cache` and `runs/run` of one finished adaptation with GenMix."""
    home = tmp_path_factory.mktemp("gallery")
    shutil.copytree(data, home / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENMIX_DA_CACHE", str(home / "cache"))
        patch.setattr(source_task, "resolve_encoder", lambda *a, **k: ThumbnailEncoder())
        genmix_da.adapt(
            src="Art",
            tgt="Clipart",
            data=str(home / "data"),
            split="3/1/2",
            genmix={
                "editor": "mixed",
                "sigmas": 1.0,
                "seam_width": 4,
                "seed": 5,
            },
            backbone="timm:mobilenetv3_small_050",
            weights="none",
            image_size=32,
            batch_size=8,
            source_epochs=1,
            epochs=1,
            cluster_estimator="features",
            device="cpu",
            out=home / "runs" / "run",
        )
    return home


@pytest.fixture
def cached(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENMIX_DA_CACHE", str(home / "cache"))


@pytest.fixture
def result(home: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((home / "runs/run/result.json").read_text())
    return content


@pytest.fixture
def shown(home: Path, result: dict[str, Any], cached: None) -> Gallery:
    return gallery(result, home / "runs" / "run", 12)


@pytest.fixture
def moved(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of all of it, its data not where the records say."""
    copy = Path(shutil.copytree(home, tmp_path / "moved"))
    monkeypatch.setenv("GENMIX_DA_CACHE", str(copy / "cache"))
    return copy


def folder_of(home: Path) -> Path:
    (folder,) = (home / "runs" / "augmented").iterdir()
    return folder


def with_folder(result: dict[str, Any], folder: object) -> dict[str, Any]:
    """The result of a run whose records name a folder and data that are elsewhere."""
    made = result["source_model"]["augment"] | {"folder": folder and str(folder)}
    return result | {"source_model": {"augment": made}, "provenance": {}}


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]


def write_rows(folder: Path, rows: Sequence[object]) -> None:
    (folder / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


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


def text_of(entry: Entry) -> dict[str, object]:
    return {key: value for key, value in vars(entry).items() if key not in PARTS}


def test_gallery_repeats(home: Path, result: dict[str, Any], shown: Gallery) -> None:
    again = gallery(result, home / "runs" / "run", 12)
    assert [text_of(e) for e in again.entries] == [text_of(e) for e in shown.entries]
    assert len(gallery(result, home / "runs" / "run").entries) == 8


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


def a_line(number: int, status: str, style: str = "s", **changes: Any) -> Line:
    line = Line(number, status, "a.png", "cup", style, "p", "m", "f", None, 0.5, "", "o", "e")
    return replace(line, **changes)


def test_choice_shows_styles_and_borders() -> None:
    kept = [
        a_line(n, "kept", f"style {n % 4}", class_name=f"c{n % 3}", similarity=0.6 + n / 100)
        for n in range(30)
    ]
    dropped = [a_line(30 + n, "dropped", similarity=0.1 + n / 100) for n in range(10)]
    failed = [a_line(40 + n, "failed", reason="black") for n in range(10)]
    lines = [*failed, *kept[::-1], *dropped]
    chosen = choose_lines(lines, 10)
    assert len({line.number for line in chosen}) == 10
    by = {s: [x for x in chosen if x.status == s] for s in ("kept", "dropped", "failed")}
    assert [len(by[status]) for status in ("kept", "dropped", "failed")] == [6, 2, 2]
    assert len({line.style for line in by["kept"][:4]}) == 4
    assert len({line.class_name for line in by["kept"][:3]}) == 3
    rest = sorted({line.similarity for line in kept} - {x.similarity for x in by["kept"][:4]})
    assert [line.similarity for line in by["kept"][4:]] == rest[:2]
    assert [line.similarity for line in by["dropped"]] == [dropped[9].similarity, 0.18]
    assert choose_lines(lines, 0) == []
    assert len(choose_lines(lines, 1000)) == 50
    assert {x.status for x in choose_lines(dropped + failed, 4)} == {"dropped", "failed"}


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
    assert shapes == {(160, 107, 3)}


@pytest.fixture
def few(make_data: Callable[..., Path], tmp_path: Path) -> Path:
    """Two classes of three images."""
    return make_data(tmp_path / "few", ("Art",), ("apple", "banana"), 3) / "Art"


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


def test_every_edit_is_named_by_its_key(home: Path, cached: None) -> None:
    rows = rows_of(folder_of(home))
    for row in rows:
        file = cache_folder() / "edits" / row["edit"][:2] / row["edit"]
        failed = row["status"] == "failed"
        assert file.with_suffix(".failed" if failed else ".jpg").is_file()
    assert len({row["edit"] for row in rows}) == len(rows)
    lines, bad = read_manifest(folder_of(home))
    assert (len(lines), bad) == (len(rows), 0)


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
