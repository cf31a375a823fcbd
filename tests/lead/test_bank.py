"""The memory bank and its neighbours."""

import pytest
import torch
from torch.nn.functional import normalize

import lead.bank
import lead.nearest
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


@pytest.fixture
def inverted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lead.bank, "EXACT_LIMIT", 100)


def around_centres(rows: int, seed: int = 0) -> Bank:
    """Rows in groups of five that are near each other."""
    draw = torch.Generator().manual_seed(seed)
    centres = torch.randn(rows // 5, 16, generator=draw).repeat_interleave(5, dim=0)
    features = normalize(centres + 0.2 * torch.randn(rows, 16, generator=draw), dim=1)
    return Bank(features, torch.rand(rows, 3, generator=draw))


def test_many_rows_are_searched_by_lists_with_the_same_result(inverted: None) -> None:
    bank = around_centres(600)
    unit = normalize(bank.features[::7] + 0.01, dim=1)
    found, mean = bank.neighbours(unit)
    exact = Bank.neighbours(around_centres(100), unit)[0]  # below the limit there are no lists
    assert exact.shape == found.shape
    true = torch.topk(unit @ bank.features.T, 5, dim=1).indices
    same = (found == true).all(dim=1)
    assert same.float().mean() > 0.95
    torch.testing.assert_close(mean[same], bank.probability[true[same, 1:]].mean(dim=1))


def test_lists_follow_the_rows_that_are_replaced(inverted: None) -> None:
    bank = around_centres(600)
    rows = torch.tensor([3, 407])
    far = -bank.features[[200, 200]]
    bank.update(rows, far, torch.zeros(2, 3))
    found, _ = bank.neighbours(far[:1])
    assert set(found[0, :2].tolist()) == {3, 407}
    assert 3 not in bank.neighbours(bank.features[4:5])[0][0].tolist()


def test_what_the_lists_do_not_hold_is_the_nearest_again(
    inverted: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lead.nearest, "_PROBES", 1)
    bank = around_centres(105)
    found, mean = bank.neighbours(bank.features, count=60)
    assert (found >= 0).all()
    assert found.shape == (105, 61)
    assert mean.isfinite().all()
