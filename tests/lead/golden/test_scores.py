"""Scores, losses and entropies agree with the golden values."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from golden_values.failures import committed_case, expect_failure, shifted
from golden_values.files import (
    COMMITTED,
    VARIABLE,
    Info,
    case_arrays,
    folders,
    load_cached,
    load_npz,
    numbered_cases,
    plain_files,
)
from golden_values.scores import (
    CROSS_ENTROPY_RTOL,
    ENTROPY_ATOL,
    SCORE_ATOL,
    SCORE_NAMES,
    check_cross_entropy_case,
    check_entropy_case,
    check_scores_case,
)


@pytest.mark.parametrize(("path", "info"), numbered_cases("scores"))
def test_scores(path: Path, info: Info) -> None:
    check_scores_case(case_arrays(path, info["case"]), info)


@pytest.mark.parametrize(("path", "info"), numbered_cases("smoothed_cross_entropy"))
def test_smoothed_cross_entropy(path: Path, info: Info) -> None:
    check_cross_entropy_case(case_arrays(path, info["case"]), info)


@pytest.mark.parametrize("stem", ["scores", "smoothed_cross_entropy"])
@pytest.mark.parametrize("origin", ["committed", "external"])
def test_every_array_belongs_to_a_case(origin: str, stem: str) -> None:
    folder = folders()[origin]
    if folder is None:
        pytest.skip(f"{VARIABLE} is not set; it names the folder of golden files")
    if not (folder / f"{stem}.npz").is_file() or not (folder / f"{stem}.json").is_file():
        pytest.skip(f"no {stem}.npz with {stem}.json in {folder}")
    cases = {info["case"] for info in json.loads((folder / f"{stem}.json").read_text())}
    arrays = load_cached(folder / f"{stem}.npz")
    assert {key.partition("_")[0] for key in arrays} == cases


@pytest.mark.parametrize(("path", "info"), plain_files("entropy.npz"))
def test_entropy(path: Path, info: Info) -> None:
    check_entropy_case(load_npz(path), info)


@pytest.mark.parametrize("score", [*SCORE_NAMES, "per_class_accuracy"])
def test_shifted_score_is_caught(score: str) -> None:
    arrays, info, _ = committed_case("scores", "confident")
    golden = arrays[score] if score in arrays else info[score]
    expect_failure("scores", "confident", score, shifted(golden, atol=SCORE_ATOL))


def test_shifted_entropy_of_a_score_case_is_caught() -> None:
    golden = committed_case("scores", "confident")[0]["normalised_entropy"]
    changed = shifted(golden, atol=ENTROPY_ATOL)
    expect_failure("scores", "confident", "normalised_entropy", changed)


def test_changed_prediction_is_caught() -> None:
    changed = committed_case("scores", "confident")[0]["final_prediction"].copy()
    changed[0] += 1
    expect_failure("scores", "confident", "final_prediction", changed)


@pytest.mark.parametrize("array", ["entropy", "normalised_entropy"])
def test_shifted_entropy_is_caught(array: str) -> None:
    golden = committed_case("entropy", "entropy")[0][array]
    expect_failure("entropy", "entropy", array, shifted(golden, atol=ENTROPY_ATOL))


@pytest.mark.parametrize("case", ["case01", "case09"])
def test_shifted_cross_entropy_is_caught(case: str) -> None:
    golden = committed_case("smoothed_cross_entropy", case)[0]["loss"]
    changed = shifted(golden, rtol=CROSS_ENTROPY_RTOL)
    expect_failure("smoothed_cross_entropy", case, "loss", changed)


def test_plain_rows_of_a_saturated_case_are_compared() -> None:
    entries = json.loads((COMMITTED / "smoothed_cross_entropy.json").read_text())
    mixed = [
        entry["case"]
        for entry in entries
        if entry["saturated"] and any(loss is not None for loss in entry["loss"])
    ]
    golden = committed_case("smoothed_cross_entropy", mixed[0])[0]["loss"]
    assert not np.isfinite(golden).all()
    changed = golden * (1 + 10 * CROSS_ENTROPY_RTOL)
    expect_failure("smoothed_cross_entropy", mixed[0], "loss", changed)
