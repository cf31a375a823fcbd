"""The adaptation loop with a tiny network on small images."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from lead import labeller, target
from lead.bank import Bank
from lead.checkpoint import load_state, save_state
from lead.clusters import ClusterEstimate, effective_cluster_count
from lead.decomposition import decompose
from lead.errors import DivergedError, TooFewImagesError
from lead.evaluation import evaluate
from lead.network import Network
from lead.precision import Precision
from lead.pseudo_labels import assign_pseudo_labels
from lead.schedule import build_optimizer, decay
from lead.seeds import seed_epoch
from lead.target import LOSS_NAMES, TargetConfig, TargetEpoch, adapt_target, adaptation_step
from lead.views import ImageViews, Preprocessing

CLASSES = 4
CPU = torch.device("cpu")


def make_network(seed: int = 0, classes: int = CLASSES, dim: int = 12) -> Network:
    torch.manual_seed(seed)
    backbone = nn.Sequential(
        nn.Conv2d(3, 6, 3, stride=2),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.2),
    )
    return Network(backbone, 24, classes, dim)


def make_views(samples: int = 64, seed: int = 0) -> ImageViews:
    draw = np.random.default_rng(seed)
    images = draw.integers(0, 256, (samples, 16, 16, 3), dtype=np.uint8)
    return ImageViews(images, Preprocessing(image_size=12, resize_size=16), CPU)


def config(**changes) -> TargetConfig:
    # Clustering the features is fast; the published t-SNE estimate has a test of its own.
    plain = {"epochs": 3, "batch_size": 16, "learning_rate": 0.02, "cluster_estimator": "features"}
    return TargetConfig(**plain | changes)


def adapt(settings: TargetConfig) -> tuple[list[TargetEpoch], dict[str, torch.Tensor]]:
    network = make_network()
    return list(adapt_target(network, make_views(), settings)), network.state_dict()


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first)


def assert_same_epoch(first: TargetEpoch, second: TargetEpoch) -> None:
    assert (first.epoch, first.losses, first.learning_rate) == (
        second.epoch,
        second.losses,
        second.learning_rate,
    )
    assert first.cluster_count == second.cluster_count
    assert torch.equal(first.evaluation.features, second.evaluation.features)
    assert torch.equal(first.evaluation.probability, second.evaluation.probability)
    assert first.pseudo_labels is not None and second.pseudo_labels is not None
    assert torch.equal(first.pseudo_labels.label, second.pseudo_labels.label)


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

    monkeypatch.setattr(target, "seed_epoch", remember)
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


def test_more_classes_than_dimensions() -> None:
    network = make_network(classes=15, dim=10)
    epochs = list(adapt_target(network, make_views(), config(epochs=1)))
    # No unknown space: every sample is unknown with weight 0, and only neighbours teach.
    assert epochs[1].pseudo_labels.is_unknown.all()
    assert epochs[1].losses["pseudo_label"] == epochs[1].losses["regulariser"] == 0.0
    assert epochs[1].losses["total"] == pytest.approx(epochs[1].losses["neighbours"])


def test_few_images() -> None:
    # 20 images are too few for the released code, and fewer than three times the classes.
    network = make_network(classes=9)
    views = make_views(samples=20)
    epochs = list(
        adapt_target(network, views, config(epochs=1, batch_size=8, cluster_estimator="tsne"))
    )
    assert np.isfinite(list(epochs[1].losses.values())).all()


def test_too_few_images_for_a_batch() -> None:
    epochs = adapt_target(make_network(), make_views(samples=10), config())
    next(epochs)
    with pytest.raises(TooFewImagesError, match="10 images are fewer than a batch of 16"):
        next(epochs)


def test_divergence_in_the_losses_stops_the_run() -> None:
    network = make_network()
    epochs = adapt_target(network, make_views(), config(epochs=1))
    next(epochs)
    with torch.no_grad():  # after the evaluation that labels the epoch
        network.bottleneck.norm.weight.fill_(torch.nan)
    with pytest.raises(DivergedError, match=r"diverged in epoch 1 \(loss nan\); lower the learn"):
        next(epochs)


def test_divergence_by_a_huge_learning_rate_stops_the_run() -> None:
    with pytest.raises(DivergedError, match="lower the learning rate"):
        adapt(config(learning_rate=1e38))


def test_diverged_source_model_is_noticed() -> None:
    network = make_network()
    with torch.no_grad():
        network.bottleneck.norm.weight.fill_(torch.nan)
    with pytest.raises(ValueError, match="not finite"):
        next(adapt_target(network, make_views(), config()))


def test_unknown_options_are_refused() -> None:
    for change in ({"cluster_estimator": "umap"}, {"confident_weight": "both"}):
        with pytest.raises(ValueError, match=next(iter(change)).split("_")[-1]):
            adapt(config(**change))
