"""The losses against definitions written out, and their edge cases."""

import math

import pytest
import torch

from lead.losses import (
    neighbour_loss,
    pseudo_label_loss,
    smoothed_cross_entropy,
    space_regulariser,
)


def random_probability(rows: int, classes: int, seed: int = 0) -> torch.Tensor:
    draw = torch.Generator().manual_seed(seed)
    return torch.softmax(torch.randn(rows, classes, generator=draw), dim=1)


def test_smoothing_agrees_with_torch() -> None:
    logits = torch.randn(6, 5, generator=torch.Generator().manual_seed(0))
    targets = torch.tensor([0, 1, 2, 3, 4, 0])
    expected = torch.nn.functional.cross_entropy(logits, targets, label_smoothing=0.2)
    torch.testing.assert_close(smoothed_cross_entropy(logits, targets, 0.2), expected)
    probability = torch.softmax(logits, dim=1)
    found = smoothed_cross_entropy(probability, targets, 0.2, inputs_are="probabilities")
    torch.testing.assert_close(found, expected)


def test_saturated_probabilities_give_a_finite_loss_and_gradient() -> None:
    inputs = torch.tensor([[1.0, 0.0, 0.0], [0.5, 0.3, 0.2]], requires_grad=True)
    targets = torch.tensor([1, 0])
    loss = smoothed_cross_entropy(
        inputs, targets, 0.1, inputs_are="probabilities", reduction="none"
    )
    floor = math.log(torch.finfo(torch.float32).tiny)
    # targets of row 0: 0.1 / 3 on class 0 and 2, 0.9 + 0.1 / 3 on class 1
    assert loss[0].item() == pytest.approx(-(0.9 + 0.2 / 3) * floor, rel=1e-5)
    plain = [math.log(p) for p in (0.5, 0.3, 0.2)]
    assert loss[1].item() == pytest.approx(-0.9 * plain[0] - 0.1 / 3 * sum(plain), rel=1e-5)
    loss.sum().backward()
    assert inputs.grad is not None
    assert torch.isfinite(inputs.grad).all()


def test_saturated_logits_give_a_finite_loss() -> None:
    loss = smoothed_cross_entropy(torch.tensor([[1000.0, -1000.0]]), torch.tensor([1]), 0.0)
    assert loss.item() == 2000.0


def test_unknown_options_are_refused() -> None:
    logits, targets = torch.zeros(1, 2), torch.tensor([0])
    with pytest.raises(ValueError, match=r"inputs_are .* not 'scores'"):
        smoothed_cross_entropy(logits, targets, inputs_are="scores")
    with pytest.raises(ValueError, match=r"reduction .* not 'sum'"):
        smoothed_cross_entropy(logits, targets, reduction="sum")


def test_pseudo_label_loss_written_out() -> None:
    probability, weight = random_probability(4, 3), torch.tensor([0.0, 0.5, 1.0, 0.2])
    target = random_probability(4, 3, seed=1)
    expected = 0.0
    for row in range(4):
        for column in range(3):
            log = math.log(float(probability[row, column]) + 1e-5)
            expected -= float(weight[row] * target[row, column]) * log / 4
    assert pseudo_label_loss(probability, target, weight).item() == pytest.approx(expected, 1e-5)


def test_pseudo_label_loss_of_saturated_predictions_is_finite() -> None:
    probability = torch.tensor([[1.0, 0.0]])
    loss = pseudo_label_loss(probability, torch.tensor([[0.0, 1.0]]), torch.ones(1))
    assert loss.item() == pytest.approx(-math.log(1e-5), rel=1e-5)


def test_regulariser_pulls_to_the_labelled_space() -> None:
    known = torch.tensor([0.9, 0.9], requires_grad=True)
    unknown = torch.tensor([0.4, 0.4], requires_grad=True)
    labels = torch.tensor([False, True])
    loss = space_regulariser(known, unknown, labels, torch.ones(2))
    right = math.exp(0.9) / (math.exp(0.9) + math.exp(0.4))
    expected = -(math.log(right + 1e-5) + math.log(1 - right + 1e-5)) / 2
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    loss.backward()
    assert known.grad is not None and unknown.grad is not None
    assert known.grad[0] < 0 < unknown.grad[0]
    assert known.grad[1] > 0 > unknown.grad[1]


def test_regulariser_has_its_floor_at_the_best_lengths() -> None:
    loss = space_regulariser(
        torch.ones(1), torch.zeros(1), torch.tensor([False]), torch.ones(1)
    ).item()
    assert loss == pytest.approx(-math.log(math.e / (math.e + 1) + 1e-5), rel=1e-6)
    assert loss > 0.313


def test_weight_zero_takes_a_sample_out() -> None:
    lengths = torch.tensor([0.3, 0.8]), torch.tensor([0.9, 0.6])
    labels = torch.tensor([True, False])
    both = space_regulariser(*lengths, labels, torch.tensor([0.0, 1.0]))
    alone = space_regulariser(lengths[0][1:], lengths[1][1:], labels[1:], torch.ones(1))
    torch.testing.assert_close(both, alone / 2)


def test_neighbour_loss_is_a_cross_entropy() -> None:
    probability, neighbours = random_probability(4, 3), random_probability(4, 3, seed=2)
    expected = -(neighbours * torch.log(probability + 1e-5)).sum() / 4
    torch.testing.assert_close(neighbour_loss(probability, neighbours), expected)
    assert neighbour_loss(neighbours, neighbours) < neighbour_loss(probability, neighbours)
