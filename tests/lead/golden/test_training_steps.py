"""Three steps of the adaptation agree with the golden values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from golden_values.failures import committed_case, expect_failure, shifted
from golden_values.files import (
    Info,
    listed_cases,
    load_npz,
)
from golden_values.pseudo import (
    PSEUDO_ROW_ATOL,
)
from golden_values.train import (
    LOSS_RTOL,
    TRAIN_ATOL,
    TRAIN_CLOSE,
    check_train_case,
    compare_train,
)


@pytest.mark.parametrize(("path", "info"), listed_cases("train"))
def test_training_steps(path: Path, info: Info) -> None:
    check_train_case(load_npz(path), info)


@pytest.mark.parametrize("array", TRAIN_CLOSE)
def test_shifted_train_array_is_caught(array: str) -> None:
    golden = committed_case("train", "train_pda")[0][array]
    expect_failure("train", "train_pda", array, shifted(golden, atol=TRAIN_ATOL))


@pytest.mark.parametrize("array", ["soft_target", "confidence_weight"])
def test_shifted_train_label_is_caught(array: str) -> None:
    golden = committed_case("train", "train_pda")[0][array]
    expect_failure("train", "train_pda", array, shifted(golden, atol=PSEUDO_ROW_ATOL[array]))


@pytest.mark.parametrize("term", range(4))
def test_shifted_loss_is_caught(term: int) -> None:
    changed = committed_case("train", "train_pda")[0]["losses"].copy()
    changed[2, term] *= 1 + 10 * LOSS_RTOL
    expect_failure("train", "train_pda", "losses", changed)


def test_changed_train_element_is_caught() -> None:
    arrays, _, _ = committed_case("train", "train_pda")
    neighbours = arrays["neighbour_indices"].copy()
    neighbours[1, 2, 4] = np.setdiff1d(np.arange(50), neighbours[1, 2])[0]
    expect_failure("train", "train_pda", "neighbour_indices", neighbours)
    unknown = arrays["is_unknown"].copy()
    unknown[0] = ~unknown[0]
    expect_failure("train", "train_pda", "is_unknown", unknown)


def test_order_of_neighbours_is_free() -> None:
    arrays, info, values = committed_case("train", "train_pda")
    turned = arrays["neighbour_indices"][..., ::-1]
    compare_train(values, dict(arrays) | {"neighbour_indices": turned}, info)
