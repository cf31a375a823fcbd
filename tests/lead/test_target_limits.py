"""The adaptation at its limits: few images, many classes, divergence, unknown options."""

import numpy as np
import pytest
import torch

from lead.errors import DivergedError, TooFewImagesError
from lead.target import adapt_target
from small_target import adapt, config, make_network, make_views


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
