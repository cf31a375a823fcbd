"""Labels of a small grid of blocks by swaps of two labels, each swap a minimum cut.

Boykov, Veksler and Zabih, "Fast Approximate Energy Minimization via Graph Cuts", PAMI 2001. The
cuts are PyMaxflow's, which is an extra of this package and under the GPL.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genmix_da.errors import UserError


def swap_step() -> Callable[..., Any]:
    """PyMaxflow's step: exchanges two labels of a grid, in place, for the least energy.

    Raises:
        UserError: the package is not installed.
    """
    try:
        from maxflow.fastmin import abswap_grid_step
    except ImportError as error:
        raise UserError(
            'comixup needs the package PyMaxflow; install it with pip install "genmix-da[comixup]".'
        ) from error
    step: Callable[..., Any] = abswap_grid_step
    return step


def swapped_labels(unary: NDArray[np.float64], pairs: NDArray[np.float64]) -> NDArray[np.int64]:
    """Labels of which no two can be exchanged for less energy.

    The energy is the sum of unary[block, label] and, of neighbours, pairs[label, other]. The start
    is each block's cheapest label.

    Args:
        unary: [h, w, L].
        pairs: [L, L], symmetric, 0 on the diagonal.

    Returns:
        [h, w].

    Raises:
        UserError: see `swap_step`.
    """
    step = swap_step()
    labels: NDArray[np.int64] = unary.argmin(-1)
    least = energy(labels, unary, pairs)
    while True:
        before = labels.copy()
        for first, second in combinations(range(unary.shape[-1]), 2):
            if np.any((labels == first) | (labels == second)):
                step(first, second, unary, pairs, labels)
        found = energy(labels, unary, pairs)
        if found >= least:  # also where rounding alone goes on
            return np.asarray(before)
        least = found


def energy(
    labels: NDArray[np.int64], unary: NDArray[np.float64], pairs: NDArray[np.float64]
) -> float:
    """Of labels [h, w], see `swapped_labels`."""
    own = np.take_along_axis(unary, labels[..., None], -1).sum()
    down = pairs[labels[1:], labels[:-1]].sum()
    return float(own + down + pairs[labels[:, 1:], labels[:, :-1]].sum())
