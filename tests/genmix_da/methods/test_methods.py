"""The contract of every method: what a table relies on."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import lead
from genmix_da.errors import UserError
from genmix_da.methods import METHODS, Method, find_method
from genmix_da.methods.base import SETTINGS
from lead.epochs import TargetConfig

CLASSES, SIDE = 3, 32


@pytest.fixture(scope="module")
def views() -> lead.ImageViews:
    pixels = np.random.default_rng(0).integers(0, 256, (24, 36, 36, 3), dtype=np.uint8)
    preprocessing = lead.build_backbone("resnet18", weights="none").preprocessing
    return lead.ImageViews(pixels, preprocessing.resized(SIDE), torch.device("cpu"))


def network() -> lead.Network:
    torch.manual_seed(0)
    backbone = lead.build_backbone("resnet18", weights="none")
    return lead.Network(backbone.module, backbone.feature_dim, CLASSES, 16)


CONFIG = TargetConfig(epochs=2, batch_size=8, learning_rate=0.01)


def epochs_of(method: Method) -> int:
    return CONFIG.epochs if method.epochs is None else method.epochs


@pytest.fixture(params=list(METHODS))
def method(request: pytest.FixtureRequest) -> Method:
    return METHODS[request.param]


def test_method_declares_itself(method: Method) -> None:
    assert find_method(method.name) is method
    assert method.augment in ("none", "genmix")
    assert method.settings
    assert set(method.settings) <= set(SETTINGS)


def test_epoch_0_is_the_source_model(method: Method, views: lead.ImageViews) -> None:
    source = network()
    expected = lead.evaluate(source, views)
    epochs = method.run(source, views, CONFIG)
    first = next(epochs)
    assert first.epoch == 0
    torch.testing.assert_close(first.evaluation.probability, expected.probability)
    assert first.losses == {}
    rest = [epoch.epoch for epoch in epochs]
    assert rest == list(range(1, epochs_of(method) + 1))


def test_probabilities_are_of_every_target_sample(method: Method, views: lead.ImageViews) -> None:
    *_, last = method.run(network(), views, CONFIG)
    probability = last.evaluation.probability
    assert probability.shape == (len(views), CLASSES)
    torch.testing.assert_close(probability.sum(dim=1), torch.ones(len(views)))


def test_same_seed_same_result(method: Method, views: lead.ImageViews) -> None:
    results = []
    for _ in range(2):
        *_, last = method.run(network(), views, CONFIG)
        results.append(last.evaluation.probability)
    assert torch.equal(*results)


def test_resumed_equals_uninterrupted(method: Method, views: lead.ImageViews) -> None:
    *_, whole = method.run(network(), views, CONFIG)
    first_part = network()
    state = None
    for epoch in method.run(first_part, views, CONFIG):
        state = {key: _copied(value) for key, value in epoch.state().items()}
        break
    resumed = list(method.run(network(), views, CONFIG, state=state))
    if epochs_of(method):
        torch.testing.assert_close(
            resumed[-1].evaluation.probability, whole.evaluation.probability, rtol=0, atol=1e-6
        )
    else:
        assert resumed == []  # epoch 0 was all, and it is neither recomputed nor yielded


def _copied(value: object) -> object:
    if isinstance(value, torch.Tensor):
        return value.clone()
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return value


def test_unknown_method_suggests() -> None:
    with pytest.raises(UserError, match=r"did you mean 'lead\+genmix'"):
        find_method("lead+genmx")
