"""One step of the adaptation: which bank it sees, and what of the pseudo-labels counts."""

from dataclasses import replace

import pytest
import torch

from lead import target
from lead.bank import Bank
from lead.decomposition import decompose
from lead.evaluation import evaluate
from lead.precision import Precision
from lead.pseudo_labels import assign_pseudo_labels
from lead.schedule import build_optimizer
from lead.target import adaptation_step
from small_target import (
    CLASSES,
    CPU,
    adapt,
    config,
    make_network,
    make_views,
    same,
)


def test_bank_starts_from_the_evaluation_and_is_not_shared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    banks = []

    def remember(*args):
        banks.append((args[5].features.clone(), args[5].features))
        return adaptation_step(*args)

    monkeypatch.setattr(target, "adaptation_step", remember)
    epochs, _ = adapt(config(epochs=2))
    for epoch, first_step in ((0, 0), (1, 4)):
        at_start, bank = banks[first_step]
        assert torch.equal(at_start, epochs[epoch].evaluation.features)
        assert bank.data_ptr() != epochs[epoch].evaluation.features.data_ptr()
    assert not torch.equal(*banks[0])  # updated by the steps


def test_step_sees_the_bank_before_its_own_update() -> None:
    network, views = make_network(), make_views()
    network.freeze_classifier()
    start = evaluate(network, views)
    weights = network.classifier.class_weights
    split = decompose(weights)
    pseudo = assign_pseudo_labels(start.features, start.probability, weights, split, CLASSES)
    bank = Bank(start.features.clone(), start.probability.clone())
    rows = torch.arange(0, 64, 4)
    network.train()
    step = adaptation_step(
        network,
        build_optimizer(network, 0.01),
        views.evaluation(slice(0, 64, 4)),
        rows,
        pseudo,
        bank,
        split,
        2.0,
        Precision(CPU),
    )
    indices, mean = Bank(start.features, start.probability).neighbours(step.unit)
    assert torch.equal(step.neighbour_indices, indices)
    assert torch.equal(step.neighbour_probability, mean)
    assert torch.equal(bank.features[rows], step.unit)
    assert torch.equal(bank.probability[rows], step.probability)
    assert not step.losses.requires_grad


def test_only_three_fields_of_the_pseudo_labels_count() -> None:
    views = make_views()
    outcomes = []
    for spoil in (False, True):
        network = make_network()
        network.freeze_classifier()
        start = evaluate(network, views)
        weights = network.classifier.class_weights
        pseudo = assign_pseudo_labels(
            start.features, start.probability, weights, decompose(weights), CLASSES
        )
        if spoil:
            pseudo = replace(
                pseudo, label=pseudo.label * 0, unknown_norm=pseudo.unknown_norm * torch.nan
            )
        step = adaptation_step(
            network.train(),
            build_optimizer(network, 0.01),
            views.evaluation(slice(0, 16)),
            torch.arange(16),
            pseudo,
            Bank(start.features.clone(), start.probability.clone()),
            decompose(weights),
            2.0,
            Precision(CPU),
        )
        outcomes.append((step.losses, network.state_dict()))
    assert torch.equal(outcomes[0][0], outcomes[1][0])
    assert same(outcomes[0][1], outcomes[1][1])
