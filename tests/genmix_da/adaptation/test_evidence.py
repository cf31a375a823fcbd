"""The numbers behind a report's figures that a run leaves."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from genmix_da.adaptation.evidence import FOLDER, NAMES, read_evidence
from lead.pseudo_labels import mixture_means


def test_a_finished_run_leaves_all_files(finished: Any) -> None:
    assert sorted(path.stem for path in (finished.folder / FOLDER).iterdir()) == sorted(NAMES)


def test_uncertainty_and_labels_are_those_of_the_last_epoch(finished: Any) -> None:
    after = read_evidence(finished.folder, 4)[0]["after"]
    rows = list(csv.DictReader(finished.predictions.splitlines()))
    assert after["uncertainty"] == pytest.approx([float(r["uncertainty"]) for r in rows], abs=1e-6)
    unknown = np.array([row["true"] == "unknown" for row in rows])
    assert ((after["label"] == 4) == unknown).all()
    last = finished.result["scores"]["last"]
    assert roc_auc_score(unknown, after["uncertainty"]) == pytest.approx(last["auroc"])


def test_the_source_model_is_kept_apart_from_the_adapted_one(finished: Any) -> None:
    found, refused = read_evidence(finished.folder, 4)
    assert refused == {}
    before, after = found["before"], found["after"]
    assert not np.allclose(before["uncertainty"], after["uncertainty"])
    auroc = roc_auc_score(before["label"] == 4, before["uncertainty"])
    assert auroc == pytest.approx(finished.result["source_only"]["auroc"])
    assert (before["mapped"] == after["mapped"]).all()
    assert np.linalg.norm(after["features"].astype(float), axis=1) == pytest.approx(1, abs=2e-3)


def test_boundaries_are_those_of_the_first_and_the_last_epoch(finished: Any) -> None:
    found, refused = read_evidence(finished.folder, 4)
    assert refused == {}
    for name, row in (("boundary_first", 1), ("boundary_last", 2)):
        boundary, line = found[name], finished.metrics[row]
        assert int(boundary["epoch"]) == row
        assert boundary["mixture_means"] == pytest.approx(line["mixture_means"])
        assert boundary["mixture_means"] == pytest.approx(mixture_means(boundary["unknown_norm"]))
        assert boundary["is_unknown"].mean() == pytest.approx(line["unknown_share"])
        own = boundary["unknown_norm"] >= boundary["own_threshold"]
        assert (own == boundary["is_unknown"]).all()


def test_the_graph_is_that_of_the_last_epoch(finished: Any) -> None:
    graph = read_evidence(finished.folder, 4)[0]["graph"]
    rows = list(csv.DictReader(finished.predictions.splitlines()))
    smoothed = [float(row["graph_uncertainty"]) for row in rows]
    assert graph["uncertainty"] == pytest.approx(smoothed, abs=1e-6)
    last = finished.result["graph"]["last"]
    assert roc_auc_score(graph["label"] == 4, graph["uncertainty"]) == pytest.approx(last["auroc"])
    there = graph["neighbours"] >= 0
    assert (graph["weights"][there] > 0).all() and (graph["weights"][~there] == 0).all()
    assert (np.diff(graph["weights"], axis=1) <= 0).all()
    own = np.arange(len(rows))[:, np.newaxis]
    assert (graph["neighbours"] != own).all()
    edges = finished.result["graph"]["edges"]
    assert there.sum() <= 2 * edges <= 2 * there.sum()


def test_damaged_files_are_left_out(finished: Any, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(finished.folder, copy)
    file = copy / FOLDER / "after.npz"
    file.write_bytes(file.read_bytes()[:200])
    (copy / FOLDER / "before.npz").unlink()
    found, refused = read_evidence(copy, 4)
    assert sorted(found) == ["boundary_first", "boundary_last", "graph"]
    assert list(refused) == ["after"]


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("after", {"uncertainty": None}, "holds no uncertainty"),
        ("after", {"label": np.zeros(3, np.int32)}, "has no label of shape"),
        ("after", {"label": 5}, "has a label that is no class"),
        ("after", {"prediction": 4}, "has a prediction that is no class"),
        ("after", {"uncertainty": np.nan}, "has a uncertainty that is not finite"),
        ("after", {"features": np.nan}, "has features that are not finite"),
        ("after", {"mapped": 10_000}, "has features that belong to no images"),
        ("after", {"features": None}, "has no features"),
        ("boundary_last", {"class_prior": np.zeros(9)}, "has no class_prior of shape [4]"),
        ("boundary_last", {"mixture_means": None}, "has no mixture_means of shape [2]"),
        ("boundary_last", {"nearest_class": 4}, "has a nearest_class that is no class"),
        ("graph", {"uncertainty": None}, "holds no uncertainty"),
        ("graph", {"prediction": 4}, "has a prediction that is no class"),
        ("graph", {"degree": None}, "has no degree of shape [60]"),
        ("graph", {"degree": -1}, "has weights or degrees below 0"),
        ("graph", {"neighbours": None}, "has no neighbours of shape"),
        ("graph", {"neighbours": np.zeros(60, np.int32)}, "has no neighbours of shape"),
        ("graph", {"neighbours": np.zeros((60, 10))}, "has neighbours that are no images"),
        ("graph", {"neighbours": 60}, "has neighbours that are no images"),
        ("graph", {"neighbours": -2}, "has neighbours that are no images"),
        ("graph", {"weights": np.zeros((60, 9))}, "has no weights of shape [60, 10]"),
        ("graph", {"weights": np.nan}, "has a weights that is not finite"),
        ("graph", {"weights": -0.1}, "has weights or degrees below 0"),
    ],
)
def test_arrays_of_another_form_are_refused(
    finished: Any, tmp_path: Path, name: str, change: dict[str, Any], reason: str
) -> None:
    copy = tmp_path / "run"
    shutil.copytree(finished.folder, copy)
    file = copy / FOLDER / f"{name}.npz"
    with np.load(file) as content:
        arrays = dict(content)
    for key, value in change.items():
        if value is None:
            del arrays[key]
        elif isinstance(value, np.ndarray):
            arrays[key] = value
        else:
            arrays[key].flat[0] = value
    np.savez(file, **arrays)
    found, refused = read_evidence(copy, 4)
    assert name not in found
    assert reason in refused[name]
    assert len(found) == len(NAMES) - 1


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x93NUMPY nonsense"])
def test_files_that_are_no_archives_are_refused(
    finished: Any, tmp_path: Path, content: bytes
) -> None:
    copy = tmp_path / "run"
    shutil.copytree(finished.folder, copy)
    (copy / FOLDER / "before.npz").write_bytes(content)
    found, refused = read_evidence(copy, 4)
    assert "cannot be read" in refused["before"]
    assert len(found) == len(NAMES) - 1


def test_flipped_bytes_are_refused(finished: Any, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(finished.folder, copy)
    file = copy / FOLDER / "after.npz"
    content = bytearray(file.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = bytes(64)
    file.write_bytes(bytes(content))
    assert "cannot be read" in read_evidence(copy, 4)[1]["after"]
