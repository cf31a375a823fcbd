"""Labels 0, 1, 2 of grids of blocks, of least cost: exactly, by one minimum cut.

The cost of a grid is the sum of U[block, label] and, of neighbours, w (l - l')^2 / 4. The second
part is convex in the difference of the labels, so that no swapping of two labels at a time is
needed: Ishikawa, "Exact Optimization for Markov Random Fields with Convex Priors", PAMI 2003. A
block is two nodes, "label at least 1" and "label 2", on the source's side where that is true.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import breadth_first_order, maximum_flow

LABELS = 3
_Ints = NDArray[np.int64]
# Flows are counted in 32 bits; an edge that must not be cut costs more than everything else.
_NEVER = 2**30


def cut_labels(
    unary: NDArray[np.float64], down: NDArray[np.float64], right: NDArray[np.float64], scale: int
) -> _Ints:
    """The labels of least cost of each of B grids.

    Args:
        unary: U, [B, n, n, 3], of any sign.
        down: w of a block and the one below, [B, n - 1, n], at least 0.
        right: w of a block and the one to its right, [B, n, n - 1], at least 0.
        scale: costs are rounded to 1/scale.

    Returns:
        [B, n, n]; the smallest labels where several are of least cost.
    """
    return np.stack(
        [
            _cut(costs, below, beside)
            for costs, below, beside in zip(
                # Only differences between the labels of a block matter.
                4 * _rounded(unary - unary.min(-1, keepdims=True), scale),
                _rounded(down, scale),
                _rounded(right, scale),
                strict=True,
            )
        ]
    )


def _rounded(costs: NDArray[np.float64], scale: int) -> _Ints:
    return np.rint(costs * scale).astype(np.int64)


def _cut(unary: _Ints, down: _Ints, right: _Ints) -> _Ints:
    """One grid, all costs four times what they are, so that quarters are whole."""
    shape = unary.shape[:2]
    count = unary.shape[0] * unary.shape[1]
    one = np.arange(count)  # "label at least 1"
    two = one + count
    source, sink = np.full(count, 2 * count), np.full(count, 2 * count + 1)
    costs = unary.reshape(count, LABELS)
    edges = [
        (source, one, costs[:, 0]),
        (one, two, costs[:, 1]),
        (two, one, np.full(count, _NEVER)),  # 2 is at least 1
        (two, sink, costs[:, 2]),
    ]
    places = one.reshape(shape)
    for first, second, weight in (
        (places[:-1].ravel(), places[1:].ravel(), down.ravel()),
        (places[:, :-1].ravel(), places[:, 1:].ravel(), right.ravel()),
    ):
        for start, end in ((first, second), (second, first)):
            edges.append((start, end, weight))
            edges.append((start + count, end + count, weight))
            # Labels 2 and 0: 4 for a difference of two, of which two are counted above.
            edges.append((start + count, end, 2 * weight))
    start, end, capacity = (np.concatenate(part) for part in zip(*edges, strict=True))
    nodes = 2 * count + 2
    graph: csr_array = coo_array(
        (capacity.astype(np.int32), (start, end)), shape=(nodes, nodes)
    ).tocsr()
    flow = maximum_flow(graph, 2 * count, 2 * count + 1).flow
    left = csr_array(graph - flow)
    left.eliminate_zeros()
    reached = np.zeros(nodes, dtype=bool)
    reached[breadth_first_order(left, 2 * count, return_predecessors=False)] = True
    found: _Ints = reached[one].astype(np.int64) + reached[two]
    return found.reshape(shape)
