"""What the comparison with golden values lets through, whatever kind of file it is."""

from __future__ import annotations

import numpy as np
import pytest

from golden_values.comparison import Comparison
from golden_values.failures import CHECKS, SMALL, SQUARE, committed_case
from golden_values.pseudo import (
    compare_pseudo,
)
from golden_values.train import (
    training_settings,
)


def test_unlisted_files_are_compared_too() -> None:
    for kind, name in (("pseudo", SQUARE), ("pseudo", SMALL), ("train", "train_pda")):
        arrays, info, _ = committed_case(kind, name)
        compute, compare = CHECKS[kind]
        compare(compute(arrays, {}), arrays, {})
        if kind == "train":
            settings = info["base_lr"], info["pseudo_weight_lambda"]
            assert training_settings(arrays, {}) == pytest.approx(settings, rel=1e-6)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("pseudo", SMALL),
        ("train", "train_pda"),
        ("scores", "confident"),
        ("smoothed_cross_entropy", "case01"),
        ("entropy", "entropy"),
        ("learning_rate", "first"),
    ],
)
def test_array_that_nothing_compares_is_caught(kind: str, name: str) -> None:
    arrays, info, values = committed_case(kind, name)
    with pytest.raises(AssertionError, match=r"nothing compared.*surprise"):
        CHECKS[kind][1](values, dict(arrays) | {"surprise": np.zeros(3)}, info)


def test_missing_array_is_caught() -> None:
    arrays, info, values = committed_case("pseudo", SMALL)
    less = {name: value for name, value in arrays.items() if name != "common_score"}
    with pytest.raises((AssertionError, KeyError), match="common_score"):
        compare_pseudo(values, less, info)


def test_nan_is_not_close_to_anything() -> None:
    comparison = Comparison({"x": np.array([1.0, np.nan])})
    with pytest.raises(AssertionError, match=r"^x:"):
        comparison.close("x", np.array([1.0, np.nan]), atol=1.0)
    with pytest.raises(AssertionError, match=r"^x: shape"):
        comparison.close("x", np.array([1.0]), atol=1.0)
