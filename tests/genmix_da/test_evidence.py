"""The numbers behind a report's figures that a run leaves."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from genmix_da.evidence import FOLDER, NAMES, read_evidence
from lead.pseudo_labels import mixture_means


def test_a_finished_run_leaves_all_four_files(finished: Any) -> None:
    assert sorted(path.stem for path in (finished.folder / FOLDER).iterdir()) == sorted(NAMES)


def test_uncertainty_and_labels_are_those_of_the_last_epoch(finished: Any) -> None:
    after = read_evidence(finished.folder)["after"]
    rows = list(csv.DictReader(finished.predictions.splitlines()))
    assert after["uncertainty"] == pytest.approx([float(r["uncertainty"]) for r in rows], abs=1e-6)
    unknown = np.array([row["true"] == "unknown" for row in rows])
    assert ((after["label"] == 4) == unknown).all()
    last = finished.result["scores"]["last"]
    assert roc_auc_score(unknown, after["uncertainty"]) == pytest.approx(last["auroc"])


def test_the_source_model_is_kept_apart_from_the_adapted_one(finished: Any) -> None:
    found = read_evidence(finished.folder)
    before, after = found["before"], found["after"]
    assert not np.allclose(before["uncertainty"], after["uncertainty"])
    auroc = roc_auc_score(before["label"] == 4, before["uncertainty"])
    assert auroc == pytest.approx(finished.result["source_only"]["auroc"])
    assert (before["mapped"] == after["mapped"]).all()
    assert np.linalg.norm(after["features"].astype(float), axis=1) == pytest.approx(1, abs=2e-3)


def test_boundaries_are_those_of_the_first_and_the_last_epoch(finished: Any) -> None:
    found = read_evidence(finished.folder)
    for name, row in (("boundary_first", 1), ("boundary_last", 2)):
        boundary, line = found[name], finished.metrics[row]
        assert int(boundary["epoch"]) == row
        assert boundary["mixture_means"] == pytest.approx(line["mixture_means"])
        assert boundary["mixture_means"] == pytest.approx(mixture_means(boundary["unknown_norm"]))
        assert boundary["is_unknown"].mean() == pytest.approx(line["unknown_share"])
        own = boundary["unknown_norm"] >= boundary["own_threshold"]
        assert (own == boundary["is_unknown"]).all()


def test_damaged_files_are_left_out(finished: Any, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(finished.folder, copy)
    file = copy / FOLDER / "after.npz"
    file.write_bytes(file.read_bytes()[:200])
    (copy / FOLDER / "before.npz").unlink()
    assert sorted(read_evidence(copy)) == ["boundary_first", "boundary_last"]
