"""`evaluate` and `predict`: a checkpoint gives the numbers of the run that made it."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edited import described

SCORES = (
    *("h_score", "known_accuracy", "unknown_accuracy", "accuracy", "auroc", "oscr"),
    *("nmi", "h3_score"),
)


def read(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as handle:
        return list(csv.DictReader(handle))


@pytest.mark.parametrize("given", ["folder", "file"])
def test_evaluate_gives_the_last_scores(
    run: Callable, finished: Any, data: Path, given: str
) -> None:
    path = finished.folder / ("" if given == "folder" else "checkpoint.safetensors")
    arguments = ("evaluate", path, "--tgt", "Cl", "--data", data, "--device", "cpu")
    found = run(*arguments, "--json").json()
    assert set(found["scores"]) == {*SCORES, "epoch"}
    for name in SCORES:
        expected = finished.result["scores"]["last"][name]
        assert found["scores"][name] == pytest.approx(expected, abs=1e-9)
    assert (found["target"], found["images"], found["threshold"]) == ("Clipart", 60, 0.85)
    assert found["synthetic"] is False


def test_source_only_is_scored_at_the_released_threshold_too(
    run: Callable, finished: Any, data: Path
) -> None:
    source_only = finished.result["source_only"]
    folder = finished.result["source_model"]["folder"]
    arguments = ("evaluate", folder, "--tgt", "Clipart", "--data", data, "--device", "cpu")
    released = run(*arguments, "--threshold", 0.50, "--json").json()["scores"]["h_score"]
    assert source_only["h_score_at_050"] == pytest.approx(released, abs=1e-9)
    assert source_only["h_score_at_050"] != source_only["h_score"]


def test_evaluate_prints_a_table(run: Callable, finished: Any, data: Path) -> None:
    outcome = run("evaluate", finished.folder, "--tgt", "Product", "--data", data)
    assert outcome.code == 0
    assert "Product, 60 images" in outcome.out
    assert "checkpoint" in outcome.out


def test_evaluate_takes_another_threshold(run: Callable, finished: Any, data: Path) -> None:
    arguments = ("evaluate", finished.folder, "--tgt", "Clipart", "--data", data, "--json")
    nothing = run(*arguments, "--threshold", 1).json()["scores"]
    everything = run(*arguments, "--threshold", 1e-9).json()["scores"]
    assert nothing["unknown_accuracy"] == 0
    assert everything["unknown_accuracy"] == pytest.approx(1, abs=1e-5)
    assert everything["known_accuracy"] == 0
    assert nothing["auroc"] == everything["auroc"]


def test_evaluate_on_synthetic_data_says_so(
    run: Callable, finished: Any, data: Path, tmp_path: Path
) -> None:
    copy, drawn = tmp_path / "copy", tmp_path / "drawn"
    shutil.copytree(finished.folder, copy)
    shutil.copytree(data, drawn)
    (drawn / "mini_office_home.json").write_text("{}")
    refused = run("evaluate", copy, "--tgt", "Art", "--data", drawn)
    assert (refused.code, "made from real images" in refused.err) == (2, True)
    with pytest.MonkeyPatch.context() as patch:  # without --data it is refused before it is drawn
        patch.delenv("GENMIX_DA_DATA", raising=False)
        patch.setattr("genmix_da.use.evaluate.data_root", lambda *_: pytest.fail("drawn"))
        refused = run("evaluate", copy, "--tgt", "Art")
    assert (refused.code, "made from real images" in refused.err) == (2, True)
    (copy / "checkpoint.json").write_text(
        json.dumps(described(copy / "checkpoint.json") | {"synthetic": True})
    )
    assert "SYNTHETIC DATA" in run("evaluate", copy, "--tgt", "Art", "--data", drawn).out


def test_evaluate_takes_a_part_and_predict_a_list(
    run: Callable, finished: Any, data: Path, tmp_path: Path
) -> None:
    root = tmp_path / "parts"
    for part in ("train", "test"):
        shutil.copytree(data / "Clipart", root / "Clipart" / part)
    for image in sorted((root / "Clipart" / "test").rglob("*.*"))[::2]:
        image.unlink()
    arguments = ("evaluate", finished.folder, "--tgt", "Clipart", "--data", root, "--json")
    counts = [run(*arguments, *more).json()["images"] for more in ((), ("--part", "test"))]
    assert counts == [90, 30]
    images = sorted((data / "Clipart").rglob("*.png"))[:7]
    (tmp_path / "some.txt").write_text("".join(f"{image} 0\n" for image in images))
    out = tmp_path / "p.csv"
    found = run("predict", finished.folder, tmp_path / "some.txt", "--out", out, "--json").json()
    assert found["images"] == 7
    assert [row.split(",")[0] for row in out.read_text().splitlines()[1:]] == list(map(str, images))


def test_evaluate_of_unlabelled_images(
    run: Callable, complaint: Callable, finished: Any, data: Path, tmp_path: Path
) -> None:
    flat = tmp_path / "flat"
    shutil.copytree(data / "Art" / "apple", flat)
    said = complaint(run("evaluate", finished.folder, "--tgt", flat, "--data", data))
    assert str(flat) in said
    assert "genmix-da predict" in said


def test_evaluate_of_other_classes(
    run: Callable, complaint: Callable, finished: Any, make_data: Callable, tmp_path: Path
) -> None:
    root = make_data(tmp_path / "other", ("Art",), ("x", "y"), 2)
    said = complaint(run("evaluate", finished.folder, "--tgt", "Art", "--data", root))
    assert "Art has none of the checkpoint's classes" in said
    assert "apple" in said


def test_predict_gives_the_predictions_of_the_run(
    run: Callable, finished: Any, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "deep" / "down" / "p.csv"
    arguments = ("predict", finished.folder, data / "Clipart", "--out", out, "--device", "cpu")
    found = run(*arguments, "--json").json()
    expected = {row["path"]: row for row in read(finished.folder / "predictions.csv")}
    rows = read(out)
    assert len(rows) == 72
    kinds = ("predicted", "confidence", "uncertainty")
    ranks = ("best_class", "second_class", "second_probability")
    assert list(rows[0])[:-2] == ["path", *kinds, *(f"graph_{name}" for name in kinds), *ranks]
    compared = [row for row in rows if row["path"] in expected]
    assert len(compared) == 60
    for row in compared:
        assert row["predicted"] == expected[row["path"]]["predicted"]
        for name in ("confidence", "uncertainty"):
            wanted = float(expected[row["path"]][name])
            assert float(row[name]) == pytest.approx(wanted, abs=2e-6)
    unknown = sum(row["predicted"] == "unknown" for row in rows)
    smoothed = sum(row["graph_predicted"] == "unknown" for row in rows)
    assert found.pop("graph") == {
        "unknown": smoothed,
        "threshold": finished.result["graph"]["threshold"],
    }
    assert found.pop("threshold") == 0.85
    assert found == {"images": 72, "unknown": unknown, "skipped": 0, "out": str(out)}


def test_predict_takes_a_flat_folder_and_skips_damaged_images(
    run: Callable, finished: Any, data: Path, tmp_path: Path
) -> None:
    flat = tmp_path / "flat"
    flat.mkdir()
    for image in sorted((data / "Art").glob("*/*.png")):
        shutil.copy(image, flat / f"{image.parent.name} {image.name}")
    (flat / "broken.png").write_bytes(b"")
    out = tmp_path / "p.csv"
    outcome = run("predict", finished.folder, flat, "--out", out)
    assert outcome.code == 0
    assert "36 images" in outcome.out
    assert f"skipped {flat / 'broken.png'}: zero bytes" in outcome.err
    assert len(read(out)) == 36


def test_predict_takes_another_threshold(
    run: Callable, finished: Any, data: Path, tmp_path: Path
) -> None:
    arguments = ("predict", finished.folder, data / "Art", "--out", tmp_path / "p.csv", "--json")
    assert run(*arguments, "--threshold", 1e-9).json()["unknown"] == 72
    assert run(*arguments, "--threshold", 1).json()["unknown"] == 0


def test_predict_writes_into_the_working_folder(
    run: Callable, finished: Any, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("predict", finished.folder, data / "Art").code == 0
    assert (tmp_path / "predictions.csv").is_file()


def test_missing_checkpoint(run: Callable, complaint: Callable, data: Path, tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "no.safetensors"):
        said = complaint(run("evaluate", path, "--tgt", "Art", "--data", data))
        assert f"no checkpoint {path}" in said


def test_missing_folder(run: Callable, complaint: Callable, finished: Any, tmp_path: Path) -> None:
    assert "nowhere" in complaint(run("predict", finished.folder, tmp_path / "nowhere"))
    (tmp_path / "hollow").mkdir()
    assert "no image under" in complaint(run("predict", finished.folder, tmp_path / "hollow"))


def test_output_that_is_a_folder(
    run: Callable, complaint: Callable, finished: Any, data: Path, tmp_path: Path
) -> None:
    said = complaint(run("predict", finished.folder, data / "Art", "--out", tmp_path))
    assert str(tmp_path) in said


def damage(about: dict[str, Any], how: str) -> dict[str, Any]:
    if how == "no classes":
        return {key: value for key, value in about.items() if key != "label_sets"}
    if how == "other classes":
        return about | {"label_sets": about["label_sets"] | {"source_private": []}}
    return about | {"backbone": "timm:mobilenetv3_small_075"}


@pytest.mark.parametrize("how", ["no classes", "other classes", "other backbone"])
def test_description_that_does_not_fit(
    run: Callable, complaint: Callable, finished: Any, data: Path, tmp_path: Path, how: str
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(finished.folder, copy)
    about = described(copy / "checkpoint.json")
    (copy / "checkpoint.json").write_text(json.dumps(damage(about, how)))
    said = complaint(run("predict", copy, data / "Art", "--out", tmp_path / "p.csv"))
    assert "do not fit together" in said


@pytest.mark.parametrize("damaged", ["checkpoint.json", "checkpoint.safetensors"])
def test_damaged_checkpoint(
    run: Callable, complaint: Callable, finished: Any, data: Path, tmp_path: Path, damaged: str
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(finished.folder, copy)
    (copy / damaged).write_text("{")
    said = complaint(run("predict", copy, data / "Art", "--out", tmp_path / "p.csv"))
    assert damaged in said


def test_evaluate_on_the_run_s_own_target_gives_the_graph_s_scores(
    run: Callable, finished: Any, data: Path
) -> None:
    arguments = ("evaluate", finished.folder, "--tgt", "Cl", "--data", data, "--device", "cpu")
    found = run(*arguments, "--json").json()["graph"]
    expected = finished.result["graph"]
    assert found["threshold"] == expected["threshold"]
    for name in SCORES:
        assert found["scores"][name] == pytest.approx(expected["last"][name], abs=1e-6)
    assert run(*arguments, "--no-graph", "--json").json()["graph"] is None


def test_predict_judges_new_images_beside_the_target(
    run: Callable, finished: Any, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "p.csv"
    arguments = ("predict", finished.folder, data / "Product", "--device", "cpu", "--out", out)
    assert run(*arguments).code == 0
    whole = read(out)
    assert run(*arguments[:2], data / "Product" / "apple", *arguments[3:]).code == 0
    # Each image for itself: what else is in the folder changes nothing.
    one = {row["path"]: row for row in read(out)}
    assert len(one) == 12
    for row in (row for row in whole if row["path"] in one):
        assert row["graph_predicted"] == one[row["path"]]["graph_predicted"]
        for name in ("graph_confidence", "graph_uncertainty"):  # but for batches of other sizes
            assert float(row[name]) == pytest.approx(float(one[row["path"]][name]), abs=1e-5)
    assert any(row["predicted"] != row["graph_predicted"] for row in whole)
    assert run(*arguments, "--no-graph").code == 0
    assert "graph_predicted" not in read(out)[0]


def test_predict_calibrates_on_the_folder(
    run: Callable, finished: Any, data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "p.csv"
    arguments = ("predict", finished.folder, data / "Product", "--device", "cpu", "--out", out)
    stored = run(*arguments, "--json").json()
    anew = run(*arguments, "--calibrate", "--json").json()
    assert stored["graph"]["threshold"] == finished.result["graph"]["threshold"]
    assert anew["graph"]["threshold"] != stored["graph"]["threshold"]
    assert anew["threshold"] == stored["threshold"]  # a fixed one has no rule to apply
    own = run(*arguments, "--threshold", "otsu", "--json").json()
    assert own["threshold"] != stored["threshold"]
