"""Committed cases with one array changed: the comparison must name it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import pytest

from golden_values.files import (
    COMMITTED,
    Arrays,
    Info,
    case_arrays,
    load_npz,
)
from golden_values.learning_rate import (
    compare_learning_rate,
    compute_learning_rate,
)
from golden_values.pseudo import (
    compare_pseudo,
    compute_pseudo,
)
from golden_values.scores import (
    compare_cross_entropy,
    compare_entropy,
    compare_scores,
    compute_cross_entropy,
    compute_entropy,
    compute_scores,
)
from golden_values.train import (
    compare_train,
    compute_train,
)

Check = tuple[
    Callable[[Arrays, Info], dict[str, Any]], Callable[[Mapping[str, Any], Arrays, Info], None]
]
CHECKS: dict[str, Check] = {
    "pseudo": (compute_pseudo, compare_pseudo),
    "train": (compute_train, compare_train),
    "scores": (compute_scores, compare_scores),
    "smoothed_cross_entropy": (compute_cross_entropy, compare_cross_entropy),
    "entropy": (compute_entropy, compare_entropy),
    "learning_rate": (compute_learning_rate, compare_learning_rate),
}
# The small case leaves the optional arrays out, the square one holds them.
SMALL, SQUARE = "pseudo_opda_small", "pseudo_square_weights"


@cache
def committed_case(kind: str, name: str) -> tuple[Arrays, Info, Mapping[str, Any]]:
    """Arrays, description and computed values of a committed case."""
    info: Info = {}
    if kind in ("pseudo", "train"):
        arrays = load_npz(COMMITTED / f"{name}.npz")
        entries = json.loads((COMMITTED / f"{kind}_cases.json").read_text())
        info = next(entry for entry in entries if entry["file"] == f"{name}.npz")
    elif kind in ("scores", "smoothed_cross_entropy"):
        entries = json.loads((COMMITTED / f"{kind}.json").read_text())
        info = next(entry for entry in entries if name in (entry["case"], entry.get("kind")))
        arrays = case_arrays(COMMITTED / f"{kind}.npz", info["case"])
    elif kind == "entropy":
        arrays = load_npz(COMMITTED / "entropy.npz")
    else:
        entry = json.loads((COMMITTED / "learning_rate.json").read_text())[0]
        arrays = {key: np.asarray(value) for key, value in entry.items()}
    return arrays, info, CHECKS[kind][0](arrays, info)


def expect_failure(kind: str, name: str, array: str, changed: Any) -> None:
    """The unchanged case agrees; with `array` changed, the comparison names it."""
    arrays, info, values = committed_case(kind, name)
    compare = CHECKS[kind][1]
    compare(values, arrays, info)
    if array in arrays:
        wrong, described = dict(arrays) | {array: changed}, info
    else:
        wrong, described = arrays, dict(info) | {array: changed}
    with pytest.raises(AssertionError, match=rf"^{array}:"):
        compare(values, wrong, described)


def shifted(golden: Any, *, atol: float = 0.0, rtol: float = 0.0) -> np.ndarray:
    """The golden with one value, the middle one, off by ten tolerances."""
    changed = np.array(golden, dtype=np.float64, order="C")
    flat = changed.reshape(-1)
    flat[flat.size // 2] += 10 * (atol + rtol * abs(flat[flat.size // 2]))
    return changed
