"""The solver of the graph's equations."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import lead.conjugate_gradient
from lead.conjugate_gradient import conjugate_gradient
from lead.errors import LeadError
from lead.graph import GraphConfig, TargetGraph


def matrix(size: int = 40) -> torch.Tensor:
    """Symmetric, with eigenvalues from -1 to 1."""
    values = np.random.default_rng(0).normal(size=(size, size))
    both = torch.from_numpy(values + values.T)
    return both / torch.linalg.eigvalsh(both).abs().max()


@pytest.mark.parametrize("tolerance", [1e-8, 1e-3])
@pytest.mark.parametrize("alpha", [0.0, 0.5, 0.9, 0.999])
def test_every_column_is_solved_to_the_tolerance(alpha: float, tolerance: float) -> None:
    spread = matrix()
    right = torch.from_numpy(np.random.default_rng(1).normal(size=(40, 3)) * [1, 1e6, 1e-6])
    found = conjugate_gradient(lambda values: spread @ values, right, alpha, tolerance)
    residual = found - alpha * spread @ found - right
    assert (residual.norm(dim=0) <= 1.001 * tolerance * right.norm(dim=0)).all()


def test_columns_do_not_hang_on_each_other() -> None:
    spread = matrix()
    right = torch.from_numpy(np.random.default_rng(1).normal(size=(40, 2)))
    right[:, 1] *= 1e9
    both = conjugate_gradient(lambda values: spread @ values, right, 0.9)
    alone = conjugate_gradient(lambda values: spread @ values, right[:, :1], 0.9)
    torch.testing.assert_close(both[:, :1], alone, rtol=1e-6, atol=1e-9)


def test_each_column_may_have_its_alpha() -> None:
    spread, alphas = matrix(), [0.0, 0.5, 0.95]
    right = torch.from_numpy(np.random.default_rng(1).normal(size=(40, 3)))
    every = torch.tensor(alphas, dtype=torch.float64)
    found = conjugate_gradient(lambda values: spread @ values, right, every)
    for column, alpha in enumerate(alphas):
        part = right[:, [column]]
        alone = conjugate_gradient(lambda values: spread @ values, part, alpha)
        torch.testing.assert_close(found[:, [column]], alone, rtol=1e-6, atol=1e-9)


def test_nothing_on_the_right_is_nothing_on_the_left() -> None:
    right = torch.tensor([[0.0, 1.0]], dtype=torch.float64).repeat(40, 1)
    found = conjugate_gradient(lambda values: matrix() @ values, right, 0.9)
    assert found[:, 0].tolist() == [0.0] * 40
    assert found[:, 1].abs().sum() > 0


def test_alpha_0_gives_the_right_hand_side() -> None:
    right = torch.from_numpy(np.random.default_rng(1).normal(size=(40, 3)))
    assert torch.equal(conjugate_gradient(lambda values: values, right, 0.0), right)


def test_equations_that_are_not_solved_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lead.conjugate_gradient, "_ITERATIONS", 3)
    draw = np.random.default_rng(0)
    graph = TargetGraph(draw.normal(size=(60, 12)).astype(np.float32), GraphConfig(alpha=1 - 1e-12))
    probability = torch.softmax(torch.from_numpy(draw.normal(size=(60, 5))), dim=1)
    with pytest.raises(LeadError, match="not solved in 3 steps; lower alpha"):
        graph.smooth(probability)
