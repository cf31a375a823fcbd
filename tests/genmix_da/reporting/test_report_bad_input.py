"""Runs that are incomplete, old, damaged, without labels or with very many classes."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genmix_da.reporting.form import read_metrics
from genmix_da.reporting.predicted import read_predictions
from genmix_da.runs.seal import seal


@pytest.fixture
def refusal(run: Callable, complaint: Callable, tmp_path: Path) -> Callable[..., str]:
    """`report` must end with exit code 2, one line and no page; returns that line."""

    def call(*arguments: object) -> str:
        out = tmp_path / "refused.html"
        line: str = complaint(run("report", *arguments, "-o", out))
        assert not out.exists()
        return line

    return call


def test_missing_folder(refusal: Callable, tmp_path: Path) -> None:
    assert f"no run folder {tmp_path / 'nowhere'}" in refusal(tmp_path / "nowhere")


def test_folder_without_runs(refusal: Callable, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "no result.json below; run genmix-da adapt" in refusal(tmp_path / "empty")


def test_only_unusable_runs(refusal: Callable, altered: Callable) -> None:
    assert "has schema 7; this version reads schema 1" in refusal(altered(schema=7))


def test_another_schema_beside_a_good_run(
    altered: Callable, finished: Any, page_of: Callable
) -> None:
    page = page_of(finished.folder, altered(schema=7))
    assert "Files not used" in page
    assert "has schema 7" in page


def test_incomplete_run_is_shown_as_such(altered: Callable, page_of: Callable) -> None:
    empty = {"last": None, "oracle": None, "selected": None}
    folder = altered(status="incomplete", scores=empty, source_only=None, timing=None)
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    (folder / "metrics.jsonl").write_text("\n".join(lines[:2]) + "\n" + lines[2][:40])
    for name in ("after", "boundary_last"):
        (folder / "evidence" / f"{name}.npz").unlink()
    page = page_of(folder)
    assert "NOT FINISHED" in page
    assert "Not finished: 1 of 1 runs." in page
    assert '<section id="tables">' not in page  # of one run there is nothing to compare
    assert 'aria-label="Scores on the target after each epoch' in page  # the epochs it has
    assert 'data-score="last"' not in page


def test_failed_run_says_why(altered: Callable, page_of: Callable) -> None:
    empty = {"last": None, "oracle": None, "selected": None}
    page = page_of(altered(status="failed", reason="the loss is nan", scores=empty))
    assert "FAILED: the loss is nan" in page


def test_run_without_evidence_says_so(altered: Callable, page_of: Callable) -> None:
    folder = altered()
    shutil.rmtree(folder / "evidence")
    (folder / "checkpoint.safetensors").unlink()
    page = page_of(folder)
    assert "evidence folder (an earlier version wrote" in page
    assert "No Grad-CAM" in page
    assert "Uncertainty of target images" not in page


def test_damaged_evidence_costs_its_figures_alone(altered: Callable, page_of: Callable) -> None:
    folder = altered()
    (folder / "evidence" / "boundary_last.npz").write_bytes(b"PK\x03\x04 nonsense")
    page = page_of(folder)
    assert "Uncertainty of target images" in page
    assert 'aria-label="Epoch 1: mixture means' in page


def test_target_without_labels(
    adapt: Callable, data: Path, tmp_path: Path, page_of: Callable
) -> None:
    flat = tmp_path / "photos"
    flat.mkdir()
    for number, file in enumerate(sorted((data / "Clipart").rglob("*.*g"))):
        shutil.copy(file, flat / f"{number}{file.suffix}")
    outcome = adapt("--tgt", flat)
    assert outcome.code == 0, outcome.err
    page = page_of(tmp_path / "runs" / "run")
    assert "The target has no labels" in page
    assert "coloured by predicted class" in page
    assert "all images (no labels)" in page
    for absent in ("ROC curve of", "Known against unknown<", "Scores per epoch", ">right</span>"):
        assert absent not in page
    lines = read_predictions(tmp_path / "runs" / "run" / "predictions.csv")
    unknown = sum(line.predicted == "unknown" for line in lines)
    assert f"{unknown} of {len(lines)} ({100 * unknown / len(lines):.1f} %)" in page
    surest, least = re.findall(r"<h4>(The surest|The least sure)</h4>(.*?)</div>", page, re.DOTALL)
    ordered = sorted(lines, key=lambda line: (line.uncertainty, line.path))
    for (_, found), wanted in ((surest, ordered[:8]), (least, ordered[::-1][:8])):
        assert re.findall(r'title="([^"]*)"', found) == [line.path for line in wanted]
        assert found.count('src="data:image/jpeg') == 8
    # First what was decided, then how it was learnt.
    assert page.index("The target, which has no labels") < page.index("Learning curves")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"setting": "upda"}, "unknown setting 'upda'"),
        ({"source_model": "folder"}, "has a source_model that is no object"),
        ({"provenance": {}}, "does not say which classes the run knows"),
        ({"provenance": {"packages": []}}, "does not say which classes"),
        ({"timing": {"seconds": {"source": "long"}}}, "has a timing whose seconds are no numbers"),
        ({"split": "3/1/2"}, "has a split that is no list"),
        ({"skipped_files": [{"path": "x"}]}, "has skipped files without path and reason"),
    ],
)
def test_records_of_another_form_are_not_used(
    refusal: Callable, altered: Callable, change: dict[str, Any], reason: str
) -> None:
    assert reason in refusal(altered(**change))


@pytest.mark.parametrize(
    "line",
    [
        "[1, 2]",
        "{not json",
        '{"stage": "target", "epoch": 2}',
        '{"stage": "target", "epoch": 2, "learning_rate": 0.1, "losses": null}',
        '{"stage": "target", "epoch": 2, "learning_rate": 0.1, "losses": {"total": null}}',
        '{"stage": "target", "epoch": 0, "learning_rate": 0, "losses": {}, "scores": [1]}',
        '{"stage": "target", "epoch": 0, "learning_rate": 0, "losses": {}, "silhouettes": [1],'
        ' "cluster_counts": [1, 2]}',
        "[" * 100_000,
    ],
)
def test_bad_lines_of_the_learning_curves_are_counted(tmp_path: Path, line: str) -> None:
    good = '{"stage": "target", "epoch": 0, "learning_rate": 0.0, "losses": {}, "scores": {}}'
    (tmp_path / "metrics.jsonl").write_text(f"{good}\n{line}\n")
    rows, note = read_metrics(tmp_path / "metrics.jsonl", "target")
    assert rows == [json.loads(good)]
    assert note.startswith("1 of 2 lines")


@pytest.mark.usefixtures("charts_written")
def test_features_that_are_all_alike_have_no_map(altered: Callable, page_of: Callable) -> None:
    folder = altered()
    file = folder / "evidence" / "after.npz"
    with np.load(file) as content:
        arrays = dict(content)
    arrays["features"][:] = arrays["features"][0]
    np.savez(file, **arrays)
    page = page_of(folder)
    assert "No map (after adaptation): the features are all alike, or too few." in page
    assert "t-SNE map of the features of 60 target images, source model, coloured" in page


def test_no_unknown_image_is_said(altered: Callable, page_of: Callable) -> None:
    folder = altered()
    for name in ("before", "after"):
        file = folder / "evidence" / f"{name}.npz"
        with np.load(file) as content:
            arrays = dict(content)
        arrays["label"][arrays["label"] == 4] = 0
        np.savez(file, **arrays)
    page = page_of(folder)
    assert "There is no unknown image, so ROC and OSCR are not defined." in page


@pytest.mark.parametrize("out", ["", ".", "folder"])
def test_a_page_needs_a_file_name(
    run: Callable, complaint: Callable, finished: Any, tmp_path: Path, out: str
) -> None:
    (tmp_path / "folder").mkdir()
    named = tmp_path / "folder" if out == "folder" else out
    line = complaint(run("report", finished.folder, "-o", named))
    assert "give -o FILE" in line or "give another -o FILE" in line


def test_figures_that_have_no_place_leave_no_page(
    refusal: Callable, finished: Any, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    assert str(tmp_path / "file") in refusal(finished.folder, "--figures", tmp_path / "file")


@pytest.mark.usefixtures("charts_written")
def test_two_thousand_classes(altered: Callable, page_of: Callable) -> None:
    folder = altered()
    content = json.loads((folder / "result.json").read_text())
    names = [f"class number {place:04} with a long name" for place in range(2000)]
    sets = {"shared": names[:1500], "source_private": names[1500:], "target_private": ["x"]}
    content["provenance"]["config"]["label_sets"] = sets
    (folder / "result.json").write_text(json.dumps(seal(content)))
    draw = np.random.default_rng(0)
    count = 6000
    arrays = {
        "uncertainty": draw.random(count, dtype=np.float32),
        "prediction": draw.integers(0, 2000, count).astype(np.int32),
        "label": draw.integers(0, 2001, count).astype(np.int32),
        "mapped": np.arange(0, count, 20),
        "features": draw.normal(size=(300, 16)).astype(np.float16),
    }
    boundary = {
        "unknown_norm": draw.random(count, dtype=np.float32),
        "own_threshold": draw.random(count, dtype=np.float32),
        "confidence_weight": draw.random(count, dtype=np.float32),
        "is_unknown": draw.random(count) < 0.5,
        "nearest_class": draw.integers(0, 2000, count).astype(np.int32),
        "class_prior": draw.random(2000, dtype=np.float32),
        "mixture_means": np.array([0.2, 0.8]),
        "epoch": np.array(1),
    }
    graph = {
        **arrays,
        "degree": draw.random(count, dtype=np.float32),
        "neighbours": draw.integers(-1, count, (count, 10)).astype(np.int32),
        "weights": draw.random((count, 10), dtype=np.float32),
    }
    for name in ("before", "after"):
        np.savez(folder / "evidence" / f"{name}.npz", **arrays)
    np.savez(folder / "evidence" / "graph.npz", **graph)
    for name in ("boundary_first", "boundary_last"):
        np.savez(folder / "evidence" / f"{name}.npz", **boundary)
    page = page_of(folder)
    assert re.search(r"other classes \(19\d\d\)", page)  # 28 classes, the others, unknown
    assert "1940 classes between them not shown" in page
    assert "predictions.csv is of another number of images than graph.npz" in page
    assert len(page) < 5_000_000


@pytest.mark.usefixtures("charts_written")
def test_bytes_that_are_no_text(altered: Callable, page_of: Callable) -> None:
    folder = altered(source="A\udcffrt", method="lead\x07")
    other = altered("other", source="A\udcffrt", method="lead2", identity="0" * 16)
    page = page_of(folder, other)  # two of one pair: their comparison has the pair in its title
    assert "A\ufffdrt" in page or "A?rt" in page
    assert "\x07" not in page
