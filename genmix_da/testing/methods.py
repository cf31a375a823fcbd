"""What a table relies on of every method."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

import lead
from genmix_da.methods.base import SETTINGS, JointData, Method
from lead.epochs import TargetConfig, TargetEpoch
from lead.evaluation import Evaluation

CLASSES, SIDE, WIDTH = 3, 32, 256  # the tiny backbone's width
CONFIG = TargetConfig(epochs=2, batch_size=8, learning_rate=0.01)
STEPS = 5  # of methods with source data, in both epochs together


class MethodContract:
    """Tests of one method, which the fixture `method` gives; on a tiny network and noise."""

    @pytest.fixture
    def method(self) -> Method:
        """The method that is tested."""
        raise NotImplementedError

    @pytest.fixture(scope="class")
    def views(self) -> lead.ImageViews:
        """24 target images."""
        pixels = np.random.default_rng(0).integers(0, 256, (24, 36, 36, 3), dtype=np.uint8)
        preprocessing = lead.Preprocessing(image_size=SIDE, resize_size=36)
        return lead.ImageViews(pixels, preprocessing, torch.device("cpu"))

    def test_it_declares_itself(self, method: Method) -> None:
        """One way to adapt, settings that there are."""
        assert method.augment == "none"
        assert (method.adapt is None) != (method.joint is None)
        assert method.settings
        assert set(method.settings) <= set(SETTINGS)

    def test_epoch_0_is_the_source_model(self, method: Method, views: lead.ImageViews) -> None:
        """Every run says what it is compared with; then come the epochs, in order."""
        source = _network()
        expected = lead.evaluate(source, views)
        epochs = adapted(method, views, source=source)
        first = next(epochs)
        assert first.epoch == 0
        torch.testing.assert_close(first.evaluation.probability, expected.probability)
        assert first.losses == {}
        count = CONFIG.epochs if method.epochs is None else method.epochs
        assert [epoch.epoch for epoch in epochs] == list(range(1, count + 1))

    def test_probabilities_are_of_every_image(self, method: Method, views: lead.ImageViews) -> None:
        """[N, C], rows of sum 1."""
        *_, last = adapted(method, views)
        probability = last.evaluation.probability
        assert probability.shape == (len(views), CLASSES)
        torch.testing.assert_close(probability.sum(dim=1), torch.ones(len(views)))

    def test_uncertainties_are_between_0_and_1(
        self, method: Method, views: lead.ImageViews
    ) -> None:
        """In every epoch, of every image."""
        for epoch in adapted(method, views):
            uncertainty = epoch.evaluation.uncertainty
            assert uncertainty.shape == (len(views),)
            assert bool(((uncertainty >= 0) & (uncertainty <= 1)).all())

    def test_same_seed_same_result(self, method: Method, views: lead.ImageViews) -> None:
        """To the last bit, on a CPU."""
        results = []
        for _ in range(2):
            *_, last = adapted(method, views)
            results.append(last.evaluation.probability)
        assert torch.equal(*results)

    def test_resumed_equals_uninterrupted(self, method: Method, views: lead.ImageViews) -> None:
        """From the state of any epoch; those that were done are not yielded again."""
        *_, whole = adapted(method, views)
        states = [copied(epoch.state()) for epoch in adapted(method, views)]
        for done, state in enumerate(states):
            resumed = list(adapted(method, views, state=state))
            assert [epoch.epoch for epoch in resumed] == list(range(done + 1, len(states)))
            if resumed:
                for name in ("probability", "uncertainty"):
                    found, wanted = (getattr(e.evaluation, name) for e in (resumed[-1], whole))
                    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-6)

    def test_the_state_says_what_the_evaluation_said(
        self, method: Method, views: lead.ImageViews
    ) -> None:
        """A finished run whose last files are missing is written from it."""
        *_, last = adapted(method, views)
        kept = last.state()
        again = Evaluation(kept["features"], kept["probability"], None, kept.get("uncertainty"))
        torch.testing.assert_close(again.uncertainty, last.evaluation.uncertainty)


def _network() -> lead.Network:
    torch.manual_seed(0)
    backbone = lead.build_backbone("timm:test_efficientnet", weights="none")
    return lead.Network(backbone.module, backbone.feature_dim, CLASSES, 16)


def _texts() -> tuple[torch.Tensor, float]:
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
    source, data = source or _network(), None
    if method.joint is not None:
        torch.manual_seed(1)
        backbone = lead.build_backbone("timm:test_efficientnet", weights="none")
        options = method.options_for("", {})
        own = method.joint.build(backbone.module, backbone.feature_dim, CLASSES, options)
        labels = np.arange(len(views)) % CLASSES
        data = JointData(own, views, labels, STEPS, options, "abc", _texts)
    return method.run(source, views, config, state=state, data=data)


def copied(value: Any) -> Any:
    """A state as it is now: tensors in it change with the next epoch."""
    if isinstance(value, torch.Tensor):
        return value.clone()
    if isinstance(value, Mapping):
        return {key: copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [copied(item) for item in value]
    return value
