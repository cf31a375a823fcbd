"""The memory bank and its neighbours."""

import torch
from torch.nn.functional import normalize

from lead.bank import Bank


def make_bank(rows: int, dim: int = 8, classes: int = 3) -> Bank:
    draw = torch.Generator().manual_seed(rows)
    features = normalize(torch.randn(rows, dim, generator=draw), dim=1)
    return Bank(features, torch.rand(rows, classes, generator=draw))


def test_neighbours_are_the_nearest_rows_without_the_first() -> None:
    bank = make_bank(20)
    unit = bank.features[[3, 11]]
    indices, mean = bank.neighbours(unit)
    for place, row in enumerate((3, 11)):
        near = sorted(range(20), key=lambda i: -float(bank.features[i] @ bank.features[row]))
        assert indices[place].tolist() == near[:5]
        assert near[0] == row
        expected = sum(bank.probability[i] for i in near[1:5]) / 4
        torch.testing.assert_close(mean[place], expected)


def test_rank_zero_is_dropped_even_if_it_is_another_sample() -> None:
    features = torch.eye(4)
    bank = Bank(features, torch.arange(4.0).unsqueeze(1))
    # Nearest to row 2, which does not stand for this sample, then 1, then 0.
    unit = normalize(torch.tensor([[0.1, 0.5, 1.0, 0.0]]), dim=1)
    indices, mean = bank.neighbours(unit, count=2)
    assert indices.tolist() == [[2, 1, 0]]
    assert mean.tolist() == [[0.5]]


def test_fewer_rows_than_neighbours() -> None:
    bank = make_bank(3)
    indices, mean = bank.neighbours(bank.features)
    assert indices.shape == (3, 3)
    torch.testing.assert_close(mean[0], bank.probability[indices[0, 1:]].mean(dim=0))


def test_single_row_is_its_own_neighbour() -> None:
    bank = make_bank(1)
    indices, mean = bank.neighbours(bank.features)
    assert indices.tolist() == [[0]]
    assert torch.equal(mean, bank.probability)


def test_update_replaces_the_named_rows_alone() -> None:
    bank = make_bank(6)
    before = bank.features.clone()
    unit = torch.full((2, 8), 0.5, requires_grad=True)
    bank.update(torch.tensor([4, 1]), unit, torch.tensor([[1.0, 0, 0], [0, 1.0, 0]]))
    assert torch.equal(bank.features[[0, 2, 3, 5]], before[[0, 2, 3, 5]])
    assert (bank.features[[1, 4]] == 0.5).all()
    assert bank.probability[4].tolist() == [1, 0, 0]
    assert bank.probability[1].tolist() == [0, 1, 0]
    assert not bank.features.requires_grad
