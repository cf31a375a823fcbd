"""The solver of the graph's equations: many right-hand sides at once, each with its own alpha."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor

from lead.errors import LeadError
from lead.large import blocks, copied, empty, empty_tensor

TOLERANCE = 1e-8  # of the residual, relative to the right-hand side
_ITERATIONS = 1000


def conjugate_gradient(
    apply: Callable[[Tensor], Tensor],
    right: Tensor,
    alpha: float | Tensor,
    tolerance: float = TOLERANCE,
) -> Tensor:
    """Solve (I - alpha S) R = right for all columns at once; I - alpha S is positive definite.

    Args:
        apply: R [M, B] -> S R [M, B], the eigenvalues of S in [-1, 1]; what it gave before is done
            with when it is called.
        right: [M, B] float64.
        alpha: in [0, 1), for all columns or one for each [B].
        tolerance: of each column's residual norm, relative to that of `right`.

    Raises:
        LeadError: no solution within the iterations.

    Source: Hestenes and Stiefel, "Methods of Conjugate Gradients for Solving Linear Systems", 1952.
    """
    solution, residual, direction = empty_tensor(right).zero_(), copied(right), copied(right)
    image, part = empty_tensor(right), empty_tensor(right)
    size = torch.mul(residual, residual, out=part).sum(dim=0)
    limit = tolerance**2 * size
    for _ in range(_ITERATIONS):
        active = size > limit
        if not bool(active.any()):
            return solution
        torch.sub(direction, torch.mul(apply(direction), alpha, out=part), out=image)
        curvature = torch.mul(direction, image, out=part).sum(dim=0)
        step = torch.where(active, size / torch.where(active, curvature, 1.0), 0.0)
        solution += torch.mul(step, direction, out=part)
        residual -= torch.mul(step, image, out=part)
        smaller = torch.mul(residual, residual, out=part).sum(dim=0)
        factor = torch.where(active, smaller / torch.where(active, size, 1.0), 0.0)
        direction.mul_(factor).add_(residual)
        size = smaller
    raise LeadError(f"the graph's equations were not solved in {_ITERATIONS} steps; lower alpha")


def normalised(weights: sparse.csr_array, degree: NDArray[np.float64]) -> sparse.csr_array:
    """S = D^-1/2 W D^-1/2; rows of isolated nodes are zero, so that they keep their own values.

    Args:
        weights: W [M, M], symmetric.
        degree: [M], the diagonal of D.

    Source: Zhou et al., "Learning with Local and Global Consistency", NIPS 2003.
    """
    root = np.divide(1.0, np.sqrt(degree), out=np.zeros_like(degree), where=degree > 0)
    return (sparse.diags_array(root) @ weights @ sparse.diags_array(root)).tocsr()


def product_with(matrix: sparse.csr_array, device: torch.device) -> Callable[[Tensor], Tensor]:
    """What `conjugate_gradient` applies: R [M, B] -> S R, for S [M, M].

    Scipy's product on the CPU, where its order is fixed, by blocks of rows into one array that the
    next product writes over; torch's on CUDA.
    """
    if device.type == "cuda":
        parts: Any = (matrix.indptr, matrix.indices, matrix.data)
        rows, columns, weights = (torch.from_numpy(part) for part in parts)
        on_device = torch.sparse_csr_tensor(
            rows, columns, weights, size=matrix.shape, device=device
        )
        return lambda values: on_device @ values
    parts = [(rows, _part(matrix, rows)) for rows in blocks(matrix.shape[0])]
    found = np.empty(0)

    def product(values: Tensor) -> Tensor:
        nonlocal found
        if found.shape != values.shape:
            found = empty(tuple(values.shape), np.float64)
        for rows, part in parts:
            found[rows] = part @ values.numpy()
        return torch.from_numpy(found)

    return product


def _part(matrix: sparse.csr_array, rows: slice) -> sparse.csr_array:
    """Some rows of a matrix, without a copy of them."""
    starts = matrix.indptr[rows.start : rows.stop + 1]
    inside = slice(starts[0], starts[-1])
    content: Any = (matrix.data[inside], matrix.indices[inside], starts - starts[0])
    return sparse.csr_array(content, shape=(len(starts) - 1, matrix.shape[1]))
