"""Choosing an epoch without labels: mutual information."""

import math

import numpy as np
import pytest
import torch

from lead.selection import mutual_information, with_unknown


def random_probability(rows: int, classes: int, scale: float = 3.0) -> torch.Tensor:
    draw = torch.Generator().manual_seed(rows)
    return torch.softmax(scale * torch.randn(rows, classes, generator=draw), dim=1)


def slow_information(outputs: np.ndarray) -> float:
    """Mutual information as a mean Kullback-Leibler divergence from the mean prediction."""
    mean = outputs.mean(axis=0)
    total = 0.0
    for row in outputs:
        total += sum(p * math.log(p / q) for p, q in zip(row, mean, strict=True) if p > 0)
    return total / len(outputs)


@pytest.mark.parametrize("scale", [0.5, 3.0, 200.0], ids=["flat", "usual", "saturated"])
@pytest.mark.parametrize("open_set", [True, False])
def test_information_equals_its_definition(scale: float, open_set: bool) -> None:
    probability = random_probability(40, 5, scale)
    outputs = probability.double().numpy()
    if open_set:
        entropy = -(outputs * np.log(outputs + 1e-5)).sum(axis=1) / math.log(5)
        entropy = np.clip(entropy, 0, 1)[:, None]
        outputs = np.hstack([outputs * (1 - entropy), entropy])
    found = mutual_information(probability, open_set=open_set)
    assert found == pytest.approx(slow_information(outputs), abs=1e-6)
    assert 0 < found < math.log(6 if open_set else 5)


@pytest.mark.parametrize("open_set", [True, False])
def test_certain_and_even_predictions_reach_log_of_their_number(open_set: bool) -> None:
    found = mutual_information(torch.eye(4).repeat(10, 1), open_set=open_set)
    assert found == pytest.approx(math.log(4), abs=1e-6)


@pytest.mark.parametrize("row", [[1.0, 0.0, 0.0], [0.5, 0.3, 0.2], [1 / 3, 1 / 3, 1 / 3]])
@pytest.mark.parametrize("open_set", [True, False])
def test_collapsed_predictions_hold_no_information(row: list[float], open_set: bool) -> None:
    # One class for all samples, everything rejected, or the same doubt everywhere.
    collapsed = torch.tensor([row]).repeat(30, 1)
    assert mutual_information(collapsed, open_set=open_set) == pytest.approx(0.0, abs=1e-9)


def test_clusters_hold_more_than_collapsed_or_scattered_predictions() -> None:
    clustered = torch.eye(4).repeat(10, 1)
    one_class = torch.eye(4)[:1].repeat(40, 1)
    scattered = random_probability(40, 4, scale=1.0)
    for open_set in (True, False):
        found = [
            mutual_information(outputs, open_set=open_set)
            for outputs in (clustered, scattered, one_class)
        ]
        assert found == sorted(found, reverse=True)
        assert found[0] > found[1] + 0.5


def test_clear_rejection_is_one_more_output_in_an_open_set() -> None:
    # Two classes and as many rejected samples: three even outputs instead of two.
    predictions = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]]).repeat(10, 1)
    found = mutual_information(predictions, open_set=True)
    assert found == pytest.approx(math.log(3), abs=1e-3)
    assert mutual_information(predictions, open_set=False) == pytest.approx(
        2 / 3 * math.log(2), abs=1e-6
    )


def test_another_uncertainty_takes_the_place_of_the_entropy() -> None:
    probability = random_probability(40, 5)
    given = torch.rand(40, generator=torch.Generator().manual_seed(0))
    doubt = given.double().numpy()[:, None]
    outputs = np.hstack([probability.double().numpy() * (1 - doubt), doubt])
    found = mutual_information(probability, open_set=True, uncertainty=given)
    assert found == pytest.approx(slow_information(outputs), abs=1e-9)
    assert found != mutual_information(probability, open_set=True)


def test_another_uncertainty_does_not_count_in_a_closed_set() -> None:
    probability = random_probability(40, 5)
    found = mutual_information(probability, open_set=False, uncertainty=torch.ones(40))
    assert found == mutual_information(probability, open_set=False)


def test_uncertainties_out_of_range_are_cut_off() -> None:
    given = torch.tensor([-0.01, 1.01])  # smoothed entropies may be, by rounding
    outputs = with_unknown(torch.tensor([[0.5, 0.5], [0.5, 0.5]]), given)
    assert outputs.tolist() == [[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]


def test_unknown_output_keeps_the_sum() -> None:
    probability = random_probability(20, 4)
    outputs = with_unknown(probability)
    assert outputs.shape == (20, 5)
    torch.testing.assert_close(outputs.sum(dim=1), torch.ones(20))
    certain, unsure = with_unknown(torch.tensor([[1.0, 0.0, 0.0], [1 / 3, 1 / 3, 1 / 3]])).tolist()
    assert certain == pytest.approx([1, 0, 0, 0], abs=1e-9)  # an entropy below 0 is cut off
    assert unsure == pytest.approx([0, 0, 0, 1], abs=1e-4)


def test_order_of_the_samples_does_not_matter() -> None:
    probability = random_probability(40, 5)
    found = mutual_information(probability, open_set=True)
    assert mutual_information(probability.flip(0), open_set=True) == pytest.approx(found, rel=1e-12)


@pytest.mark.parametrize("open_set", [True, False])
def test_single_sample_holds_no_information(open_set: bool) -> None:
    assert mutual_information(torch.tensor([[0.9, 0.1]]), open_set=open_set) == pytest.approx(0.0)
