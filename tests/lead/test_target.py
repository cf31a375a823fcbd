"""The adaptation loop: epochs, estimates, seeds and resumed runs."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from lead import epochs, labeller
from lead.checkpoint import load_state, save_state
from lead.clusters import ClusterEstimate, effective_cluster_count
from lead.decomposition import decompose
from lead.evaluation import evaluate
from lead.pseudo_labels import assign_pseudo_labels
from lead.schedule import decay
from lead.seeds import seed_epoch
from lead.target import LOSS_NAMES, adapt_target
from small_target import (
    CLASSES,
    adapt,
    assert_same_epoch,
    config,
    make_network,
    make_views,
    same,
)


def test_epoch_zero_is_the_source_model() -> None:
    network, views = make_network(), make_views()
    expected = evaluate(network, views)
    epoch = next(adapt_target(network, views, config()))
    assert epoch.epoch == 0
    assert torch.equal(epoch.evaluation.probability, expected.probability)
    assert (epoch.losses, epoch.pseudo_labels, epoch.estimate) == ({}, None, None)
    assert list(epoch.seconds) == ["evaluate"]


def test_epochs_carry_what_they_used() -> None:
    epochs, _ = adapt(config())
    assert [epoch.epoch for epoch in epochs] == [0, 1, 2, 3]
    for before, epoch in pairwise(epochs):
        assert tuple(epoch.losses) == LOSS_NAMES
        assert epoch.losses["total"] == pytest.approx(
            2.0 * epoch.losses["pseudo_label"]
            + epoch.losses["regulariser"]
            + epoch.losses["neighbours"],
            rel=1e-6,
        )
        assert epoch.learning_rate == pytest.approx(0.02 * decay(4 * epoch.epoch, 12), rel=1e-12)
        # The pass that scored the epoch before labels this one.
        weights = make_network().classifier.class_weights
        expected = assign_pseudo_labels(
            before.evaluation.features,
            before.evaluation.probability,
            weights,
            decompose(weights),
            epoch.cluster_count,
        )
        assert torch.equal(epoch.pseudo_labels.label, expected.label)
        assert not torch.equal(epoch.evaluation.features, before.evaluation.features)
        assert set(epoch.seconds) == {"estimate", "train", "evaluate"}


def test_classifier_stays_and_the_rest_learns() -> None:
    before = make_network().state_dict()
    _, after = adapt(config(epochs=1))
    for name, tensor in before.items():
        assert torch.equal(tensor, after[name]) == name.startswith("classifier."), name


def test_same_seed_same_result_other_seed_another() -> None:
    epochs, state = adapt(config())
    again, same_state = adapt(config())
    for first, second in zip(epochs[1:], again[1:], strict=True):
        assert_same_epoch(first, second)
    assert same(state, same_state)
    other, other_state = adapt(config(seed=7))
    assert epochs[1].losses != other[1].losses
    assert not same(state, other_state)


@pytest.mark.parametrize("finished", [0, 1, 2])
def test_resumed_run_gives_the_same_bits(tmp_path: Path, finished: int) -> None:
    # The estimate is made again in epoch 3 alone, so a resumed run must know the coefficient.
    settings = config(epochs=4, reestimate_every=2)
    whole, final = adapt(settings)
    for epoch in adapt_target(make_network(), make_views(), settings):
        if epoch.epoch == finished:
            save_state(tmp_path / "state.pt", epoch.state())
            break
    network = make_network(seed=5)  # whose parameters must not matter
    torch.manual_seed(99)
    rest = list(
        adapt_target(network, make_views(), settings, state=load_state(tmp_path / "state.pt"))
    )
    assert [epoch.epoch for epoch in rest] == list(range(finished + 1, 5))
    for first, second in zip(whole[finished + 1 :], rest, strict=True):
        assert_same_epoch(first, second)
    assert same(network.state_dict(), final)


def test_resume_between_estimates_does_not_estimate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The released code fails where the first call is not that of the first epoch.
    for epoch in adapt_target(make_network(), make_views(), config()):
        save_state(tmp_path / "state.pt", epoch.state() | {"coefficient": 2.5})
        if epoch.epoch == 1:
            break

    def refuse(*args, **kwargs):
        raise AssertionError("estimated")

    monkeypatch.setattr(labeller, "estimate_clusters", refuse)
    state = load_state(tmp_path / "state.pt")
    rest = list(adapt_target(make_network(), make_views(), config(), state=state))
    assert [epoch.cluster_count for epoch in rest] == [10, 10]


@pytest.mark.parametrize(
    ("every", "expected"), [(1, [1, 2, 3, 4, 5]), (2, [1, 3, 5]), (3, [1, 4]), (10, [1])]
)
def test_clusters_are_estimated_again_when_due(every: int, expected: list[int]) -> None:
    epochs, _ = adapt(config(epochs=5, reestimate_every=every))
    assert [epoch.epoch for epoch in epochs if epoch.estimate is not None] == expected
    for epoch in epochs[1:]:
        if epoch.estimate is not None:
            coefficient = epoch.estimate.coefficient
        assert epoch.cluster_count == effective_cluster_count(CLASSES, coefficient)


def test_estimate_is_given_the_coefficient_before(monkeypatch: pytest.MonkeyPatch) -> None:
    given, silhouettes = [], (0.5,) * 8

    def estimate(features, class_count, *, previous, **options):
        given.append(previous)
        return ClusterEstimate(previous + 0.5, (2,) * 8, silhouettes)

    monkeypatch.setattr(labeller, "estimate_clusters", estimate)
    epochs, _ = adapt(config(epochs=3, reestimate_every=1))
    assert given == [1.0, 1.5, 2.0]
    assert [epoch.cluster_count for epoch in epochs] == [0, 6, 8, 10]


def test_every_epoch_draws_from_its_own_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    streams = []

    def remember(*parts):
        streams.append(parts)
        return seed_epoch(*parts)

    monkeypatch.setattr(epochs, "seed_epoch", remember)
    adapt(config(seed=5))
    assert streams == [(5, "target", 1), (5, "target", 2), (5, "target", 3)]


@pytest.mark.parametrize("options", [{}, {"subsample_estimation": True}], ids=["all", "a third"])
def test_published_estimator_runs(options: dict[str, bool]) -> None:
    # A third of 64 samples are 21: too few for the released code's perplexity of 30.
    epochs, _ = adapt(config(epochs=1, cluster_estimator="tsne", **options))
    assert np.isfinite(epochs[1].estimate.silhouettes).all()


def test_lambda_weighs_the_pseudo_labels() -> None:
    epochs, state = adapt(config(epochs=1, lambda_psd=0.3))
    losses = epochs[1].losses
    assert losses["total"] == pytest.approx(
        0.3 * losses["pseudo_label"] + losses["regulariser"] + losses["neighbours"], rel=1e-6
    )
    assert not same(state, adapt(config(epochs=1))[1])


def test_paper_weights_reach_the_training() -> None:
    released, state = adapt(config(epochs=1))
    paper, other_state = adapt(config(epochs=1, confident_weight="paper"))
    ours, theirs = released[1].pseudo_labels, paper[1].pseudo_labels
    clear = (ours.unknown_norm >= ours.mixture_means[1]) | (
        ours.unknown_norm < ours.class_prior[ours.nearest_class]
    )
    assert 0 < clear.sum() < 64
    assert (theirs.confidence_weight[clear] == 1).all()
    assert torch.equal(theirs.confidence_weight[~clear], ours.confidence_weight[~clear])
    assert torch.equal(theirs.label, ours.label)
    assert not same(state, other_state)
