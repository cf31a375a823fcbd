"""The solver of the graph's equations: many right-hand sides at once, each with its own alpha."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from lead.errors import LeadError

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
        apply: R [M, B] -> S R [M, B], the eigenvalues of S in [-1, 1].
        right: [M, B] float64.
        alpha: in [0, 1), for all columns or one for each [B].
        tolerance: of each column's residual norm, relative to that of `right`.

    Raises:
        LeadError: no solution within the iterations.

    Source: Hestenes and Stiefel, "Methods of Conjugate Gradients for Solving Linear Systems", 1952.
    """
    solution, residual = torch.zeros_like(right), right.clone()
    direction = residual.clone()
    size = (residual * residual).sum(dim=0)
    limit = tolerance**2 * size
    for _ in range(_ITERATIONS):
        active = size > limit
        if not bool(active.any()):
            return solution
        image = direction - alpha * apply(direction)
        curvature = (direction * image).sum(dim=0)
        step = torch.where(active, size / torch.where(active, curvature, 1.0), 0.0)
        solution += step * direction
        residual -= step * image
        smaller = (residual * residual).sum(dim=0)
        factor = torch.where(active, smaller / torch.where(active, size, 1.0), 0.0)
        direction = residual + factor * direction
        size = smaller
    raise LeadError(f"the graph's equations were not solved in {_ITERATIONS} steps; lower alpha")
