"""Computed values against the arrays of one golden case."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

from golden_values.files import Arrays


class Comparison:
    """Holds computed values against the arrays of one case and keeps track of what was compared.

    Args:
        golden: the arrays of the case.
        inputs: names that are given to the method and not compared.
        optional: names that a file may leave out.
    """

    def __init__(
        self, golden: Arrays, inputs: Iterable[str] = (), optional: Iterable[str] = ()
    ) -> None:
        self.golden = golden
        self.optional = frozenset(optional)
        self.done = set(inputs)

    def has(self, name: str) -> bool:
        """Whether the file holds the array; only an optional one may be missing."""
        assert name in self.golden or name in self.optional, f"{name}: not in the file"
        self.done.add(name)
        return name in self.golden

    def close(
        self,
        name: str,
        value: Any,
        *,
        atol: float = 0.0,
        rtol: float = 0.0,
        rows: np.ndarray | None = None,
    ) -> None:
        """abs(value - golden) <= atol + rtol * abs(golden), in the given rows."""
        if not self.has(name):
            return
        found, wanted = _same_shape(name, value, self.golden[name])
        error = np.abs(found.astype(np.float64) - wanted.astype(np.float64))
        allowed = atol + rtol * np.abs(wanted.astype(np.float64))
        right = error <= allowed  # False for NaN
        if rows is not None:
            right = right[rows]
        assert right.all(), (
            f"{name}: {np.sum(~right)} of {right.size} values differ, by up to {error.max():.3g}"
        )

    def exact(self, name: str, value: Any, *, excused: np.ndarray | None = None) -> None:
        """Equal everywhere but where rounding decides."""
        if not self.has(name):
            return
        found, wanted = _same_shape(name, value, self.golden[name])
        wrong = found != wanted
        if excused is not None:
            wrong = wrong & ~excused
        assert not wrong.any(), f"{name}: {np.sum(wrong)} of {wrong.size} values differ"

    def partition(self, name: str, value: Any) -> None:
        """Rows of cluster labels that are equal up to the names of the clusters."""
        if not self.has(name):
            return
        found, wanted = _same_shape(name, value, self.golden[name])
        for row, (ours, theirs) in enumerate(zip(found, wanted, strict=True)):
            assert np.array_equal(_by_appearance(ours), _by_appearance(theirs)), (
                f"{name}: row {row} is another partition"
            )

    def sets(self, name: str, value: Any, *, rows: np.ndarray | None = None) -> None:
        """Equal sets along the last axis."""
        if not self.has(name):
            return
        found, wanted = _same_shape(name, value, self.golden[name])
        wrong = (np.sort(found, axis=-1) != np.sort(wanted, axis=-1)).any(axis=-1)
        if rows is not None:
            wrong = wrong & rows
        assert not wrong.any(), f"{name}: {np.sum(wrong)} sets differ"

    def finish(self) -> None:
        """Every array of the file was compared or is a named input."""
        left = sorted(set(self.golden) - self.done)
        assert not left, f"arrays that nothing compared: {left}"


def _same_shape(name: str, value: Any, golden: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    found = value.detach().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)
    assert found.shape == golden.shape, f"{name}: shape {found.shape}, golden {golden.shape}"
    return found, golden


def _by_appearance(labels: np.ndarray) -> np.ndarray:
    """Cluster labels renamed in the order in which they first appear."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse]


def tensor(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.array(array))
