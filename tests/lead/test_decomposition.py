"""Known and unknown subspaces."""

import pytest
import torch

from lead.decomposition import decompose


def random_matrix(rows: int, columns: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed))


def test_class_weights_lie_in_the_known_space() -> None:
    weights = random_matrix(4, 10)
    known, unknown = decompose(weights).norms(weights)
    torch.testing.assert_close(known, weights.norm(dim=1))
    assert (unknown < 1e-5).all()


def test_projector_equals_the_least_squares_one() -> None:
    weights = random_matrix(4, 10).double()
    expected = weights.T @ torch.linalg.inv(weights @ weights.T) @ weights
    found = decompose(weights).known_projector
    torch.testing.assert_close(found.double(), expected, atol=1e-5, rtol=0)


def test_lengths_obey_pythagoras() -> None:
    features = random_matrix(50, 10, seed=1)
    known, unknown = decompose(random_matrix(4, 10)).norms(features)
    torch.testing.assert_close(known**2 + unknown**2, (features**2).sum(dim=1))
    assert (unknown > 0.1).any()


@pytest.mark.parametrize("classes", [10, 13], ids=["as many classes as dims", "more"])
def test_unknown_space_is_empty_where_classes_fill_the_space(classes: int) -> None:
    split = decompose(random_matrix(classes, 10))
    assert split.known_basis.shape == (10, 10)
    assert split.unknown_basis.shape == (0, 10)
    features = random_matrix(7, 10, seed=1)
    known, unknown = split.norms(features)
    assert torch.equal(unknown, torch.zeros(7))
    torch.testing.assert_close(known, features.norm(dim=1))


def test_rank_deficient_weights_still_span_as_many_dimensions_as_classes() -> None:
    # As in the released code: the singular values are not looked at.
    weights = random_matrix(1, 10).repeat(3, 1)
    assert decompose(weights).known_basis.shape == (3, 10)


def test_wrong_weights_are_refused() -> None:
    with pytest.raises(ValueError, match=r"must be \[C, D\], not \(5,\)"):
        decompose(torch.zeros(5))
    with pytest.raises(ValueError, match="not finite"):
        decompose(torch.tensor([[1.0, float("nan")]]))
