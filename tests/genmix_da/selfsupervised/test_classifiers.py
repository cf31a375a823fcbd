"""Nearest neighbours and the linear probe, on cases that are solved by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from genmix_da.selfsupervised.classifiers import linear_probe, nearest_votes


def test_votes_by_hand() -> None:
    """Cosines 1, 0.8 and 0.6; the lengths of features are of no account."""
    train = torch.tensor([[2.0, 0.0], [4.0, 3.0], [3.0, 4.0], [-1.0, 0.0]])
    labels = torch.tensor([0, 1, 1, 0])
    test = torch.tensor([[5.0, 0.0]])
    votes = nearest_votes(train, labels, test, 3, neighbours=3, temperature=0.2)
    wanted = [1.0, math.exp(-0.2 / 0.2) + math.exp(-0.4 / 0.2), 0.0]
    assert votes[0].tolist() == pytest.approx(wanted)
    one = nearest_votes(train, labels, test, 3, neighbours=1, temperature=0.2)
    assert one[0].tolist() == [1.0, 0.0, 0.0]


def test_many_far_ones_win_over_one_near_one_at_a_high_temperature() -> None:
    train = torch.tensor([[1.0, 0.0], [4.0, 3.0], [4.0, 3.0]])
    labels, test = torch.tensor([0, 1, 1]), torch.tensor([[1.0, 0.0]])
    cold = nearest_votes(train, labels, test, 2, temperature=0.07)
    warm = nearest_votes(train, labels, test, 2, temperature=10.0)
    assert (int(cold.argmax()), int(warm.argmax())) == (0, 1)


def test_more_neighbours_than_images_are_all_images() -> None:
    votes = nearest_votes(torch.eye(2), torch.tensor([0, 1]), torch.eye(2), 2, neighbours=200)
    assert votes.argmax(dim=1).tolist() == [0, 1]


def separable(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The class is the sign of one feature of small scale; a large one says nothing."""
    draw = np.random.default_rng(seed)
    labels = np.arange(80) % 2
    small = 0.01 * (2 * labels - 1) + draw.normal(0, 0.002, 80)
    return np.stack([small, draw.normal(0, 100, 80)], axis=1).astype(np.float32), labels


def test_the_linear_probe_finds_a_small_feature() -> None:
    train, labels = separable(0)
    test, wanted = separable(1)
    found = linear_probe(train, labels, test, seed=0)
    assert found.converged
    assert found.predicted.tolist() == wanted.tolist()


def test_the_penalty_is_chosen_on_training_images_alone() -> None:
    train, labels = separable(0)
    noise = np.random.default_rng(2).integers(0, 2, 80)  # labels that no feature tells
    weak = linear_probe(train, noise, train, seed=0)
    strong = linear_probe(train, labels, train, seed=0)
    assert strong.strength in (1e-4, 1e-3, 1e-2)  # of equals the stronger penalty
    again = linear_probe(train, noise, train[:1], seed=0)
    assert again.strength == weak.strength  # whatever is tested


def test_classes_of_one_image_choose_no_penalty() -> None:
    found = linear_probe(np.eye(3, dtype=np.float32), np.arange(3), np.eye(3, dtype=np.float32), 0)
    assert found.strength == 1e-2
    assert found.predicted.tolist() == [0, 1, 2]
