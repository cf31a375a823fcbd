"""Pseudo-labels and the estimate of the clusters agree with the golden values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from golden_values.failures import SMALL, SQUARE, committed_case, expect_failure, shifted
from golden_values.files import (
    Info,
    listed_cases,
    load_npz,
)
from golden_values.pseudo import (
    ESTIMATION_EXACT,
    PSEUDO_ATOL,
    PSEUDO_EXACT,
    PSEUDO_FLAGS,
    PSEUDO_OPTIONAL,
    PSEUDO_ROW_ATOL,
    SILHOUETTE_RTOL,
    check_estimate,
    check_pseudo_case,
    compare_pseudo,
    estimate_is_stable,
)
from lead import clusters


@pytest.mark.parametrize(("path", "info"), listed_cases("pseudo"))
def test_pseudo_labels(path: Path, info: Info) -> None:
    check_pseudo_case(load_npz(path), info)


@pytest.mark.parametrize(("path", "info"), listed_cases("pseudo"))
def test_estimate_from_features(path: Path, info: Info) -> None:
    if not estimate_is_stable(info):
        pytest.skip("the estimate hangs on rounding (coefficient_stable, silhouette_margin > 0.05)")
    check_estimate(load_npz(path), info)


@pytest.mark.parametrize(
    ("array", "atol"), [*PSEUDO_ATOL.items(), *PSEUDO_ROW_ATOL.items()], ids=lambda value: value
)
def test_shifted_pseudo_array_is_caught(array: str, atol: float) -> None:
    name = SQUARE if array in PSEUDO_OPTIONAL else SMALL
    golden = committed_case("pseudo", name)[0][array]
    expect_failure("pseudo", name, array, shifted(golden, atol=atol))


def test_shifted_silhouette_is_caught() -> None:
    golden = committed_case("pseudo", SMALL)[0]["candidate_silhouettes"]
    changed = shifted(golden, rtol=SILHOUETTE_RTOL)
    expect_failure("pseudo", SMALL, "candidate_silhouettes", changed)


@pytest.mark.parametrize("array", [*PSEUDO_EXACT, *ESTIMATION_EXACT])
def test_changed_pseudo_element_is_caught(array: str) -> None:
    golden = committed_case("pseudo", SMALL)[0][array]
    changed = np.array(golden, order="C")
    flat = changed.reshape(-1)
    if array == "is_unknown":
        flat[7] = ~flat[7]
    elif array == "top_indices":
        flat[0] = np.setdiff1d(np.arange(changed.max() + 1), changed[0])[0]
    elif array == "candidate_assignments":
        flat[0] = flat[flat != flat[0]][0]
    else:
        flat[0] += 1
    expect_failure("pseudo", SMALL, array, changed)


def test_reordered_estimation_subset_is_caught() -> None:
    arrays, info, values = committed_case("pseudo", SMALL)
    subset = clusters.estimation_subset(len(arrays["features"]))
    described = dict(info) | {"subsampled": True}
    compare_pseudo(values, dict(arrays) | {"estimation_subset": subset}, described)
    with pytest.raises(AssertionError, match=r"^estimation_subset:"):
        compare_pseudo(values, dict(arrays) | {"estimation_subset": subset[::-1]}, described)


def test_renamed_clusters_are_the_same_partition() -> None:
    arrays, info, values = committed_case("pseudo", SMALL)
    renamed = arrays["candidate_assignments"].max() - arrays["candidate_assignments"]
    compare_pseudo(values, dict(arrays) | {"candidate_assignments": renamed}, info)


def test_wrong_coefficient_fails_the_estimate() -> None:
    arrays, info, _ = committed_case("pseudo", SMALL)
    with pytest.raises(AssertionError, match="coefficient"):
        check_estimate(dict(arrays) | {"coefficient": np.float64(1.5)}, info)


def test_unknown_is_checked_in_an_empty_unknown_space() -> None:
    # Every sample of this case is flagged as a boundary sample, which must not excuse it.
    arrays, _, _ = committed_case("pseudo", SQUARE)
    assert arrays["boundary"].all()
    changed = arrays["is_unknown"].copy()
    changed[3] = False
    expect_failure("pseudo", SQUARE, "is_unknown", changed)


@pytest.mark.parametrize("flag", PSEUDO_FLAGS)
def test_undeserved_flag_is_caught(flag: str) -> None:
    golden = committed_case("pseudo", SMALL)[0][flag]
    expect_failure("pseudo", SMALL, flag, np.ones_like(golden))
