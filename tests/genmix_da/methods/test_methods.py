"""The contract of every method: what a table relies on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

import lead
from genmix_da.errors import UserError
from genmix_da.methods import METHODS, Method, find_method
from genmix_da.methods.base import SETTINGS, JointData
from lead.epochs import TargetConfig, TargetEpoch
from lead.evaluation import Evaluation

CLASSES, SIDE, WIDTH = 3, 32, 256  # the tiny backbone's width


@pytest.fixture(scope="module")
def views() -> lead.ImageViews:
    pixels = np.random.default_rng(0).integers(0, 256, (24, 36, 36, 3), dtype=np.uint8)
    preprocessing = lead.Preprocessing(image_size=SIDE, resize_size=36)
    return lead.ImageViews(pixels, preprocessing, torch.device("cpu"))


def network() -> lead.Network:
    torch.manual_seed(0)
    backbone = lead.build_backbone("timm:test_efficientnet", weights="none")
    return lead.Network(backbone.module, backbone.feature_dim, CLASSES, 16)


CONFIG = TargetConfig(epochs=2, batch_size=8, learning_rate=0.01)
STEPS = 5  # of methods with source data, in both epochs together


def texts() -> tuple[torch.Tensor, float]:
    """Class names as random directions, for methods that read them."""
    torch.manual_seed(2)
    return normalize(torch.randn(CLASSES, WIDTH), dim=1), 10.0


def adapted(
    method: Method,
    views: lead.ImageViews,
    *,
    source: lead.Network | None = None,
    state: Mapping[str, Any] | None = None,
    config: TargetConfig = CONFIG,
) -> Iterator[TargetEpoch]:
    """The method's epochs; one with source data learns from the target's own pictures."""
    source, data = source or network(), None
    if method.joint is not None:
        torch.manual_seed(1)
        backbone = lead.build_backbone("timm:test_efficientnet", weights="none")
        options = method.options_for("", {})
        own = method.joint.build(backbone.module, backbone.feature_dim, CLASSES, options)
        labels = np.arange(len(views)) % CLASSES
        data = JointData(own, views, labels, STEPS, options, "abc", texts)
    return method.run(source, views, config, state=state, data=data)


def epochs_of(method: Method) -> int:
    return CONFIG.epochs if method.epochs is None else method.epochs


@pytest.fixture(params=list(METHODS))
def method(request: pytest.FixtureRequest) -> Method:
    return METHODS[request.param]


def test_method_declares_itself(method: Method) -> None:
    assert find_method(method.name) is method
    assert method.augment == "none"
    if method.joint is not None and not method.joint.source:
        return  # there is no source to make images of
    mixed = find_method(f"{method.name}+genmix")
    assert (mixed.augment, mixed.settings, mixed.joint) == ("genmix", method.settings, method.joint)
    assert method.settings
    assert set(method.settings) <= set(SETTINGS)


def test_epoch_0_is_the_source_model(method: Method, views: lead.ImageViews) -> None:
    source = network()
    expected = lead.evaluate(source, views)
    epochs = adapted(method, views, source=source)
    first = next(epochs)
    assert first.epoch == 0
    torch.testing.assert_close(first.evaluation.probability, expected.probability)
    assert first.losses == {}
    rest = [epoch.epoch for epoch in epochs]
    assert rest == list(range(1, epochs_of(method) + 1))


def test_probabilities_are_of_every_target_sample(method: Method, views: lead.ImageViews) -> None:
    *_, last = adapted(method, views)
    probability = last.evaluation.probability
    assert probability.shape == (len(views), CLASSES)
    torch.testing.assert_close(probability.sum(dim=1), torch.ones(len(views)))


def test_same_seed_same_result(method: Method, views: lead.ImageViews) -> None:
    results = []
    for _ in range(2):
        *_, last = adapted(method, views)
        results.append(last.evaluation.probability)
    assert torch.equal(*results)


def test_resumed_equals_uninterrupted(method: Method, views: lead.ImageViews) -> None:
    *_, whole = adapted(method, views)
    states = [
        {key: _copied(value) for key, value in epoch.state().items()}
        for epoch in adapted(method, views)
    ]
    for done, state in enumerate(states):
        resumed = list(adapted(method, views, state=state))
        assert [epoch.epoch for epoch in resumed] == list(range(done + 1, len(states)))
        if resumed:  # epochs that were done are neither recomputed nor yielded
            for name in ("probability", "uncertainty"):
                found, wanted = (getattr(e.evaluation, name) for e in (resumed[-1], whole))
                torch.testing.assert_close(found, wanted, rtol=0, atol=1e-6)


def test_uncertainties_are_between_0_and_1(method: Method, views: lead.ImageViews) -> None:
    for epoch in adapted(method, views):
        uncertainty = epoch.evaluation.uncertainty
        assert uncertainty.shape == (len(views),)
        assert bool(((uncertainty >= 0) & (uncertainty <= 1)).all())


def test_the_state_says_what_the_evaluation_said(method: Method, views: lead.ImageViews) -> None:
    """A finished run whose last files are missing is written from it."""
    *_, last = adapted(method, views)
    kept = last.state()
    again = Evaluation(kept["features"], kept["probability"], None, kept.get("uncertainty"))
    torch.testing.assert_close(again.uncertainty, last.evaluation.uncertainty)


def _copied(value: object) -> object:
    if isinstance(value, torch.Tensor):
        return value.clone()
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return value


def test_unknown_method_suggests() -> None:
    with pytest.raises(UserError, match=r"did you mean 'lead\+genmix'"):
        find_method("lead+genmx")
