"""Tiny runs of methods with source data, on features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

import lead
from genmix_da.methods import find_method
from genmix_da.methods.base import JointData
from genmix_da.testing.methods import copied
from lead.epochs import TargetConfig, TargetEpoch
from lead.network import HeadedNetwork

CLASSES, WIDTH, STEPS = 3, 6, 30
CONFIG = TargetConfig(epochs=3, batch_size=8, learning_rate=0.01)
CPU = torch.device("cpu")
LABELS = np.repeat(np.arange(CLASSES), 8)


def points(kinds: np.ndarray, seed: int = 0, noise: float = 0.3) -> np.ndarray:
    """Features [N, WIDTH] around a centre for each of up to 8 kinds [N]."""
    draw = np.random.default_rng(seed)
    centres = np.random.default_rng(9).normal(size=(8, WIDTH))
    found = centres[kinds] + noise * draw.normal(size=(len(kinds), WIDTH))
    return found.astype(np.float32)


OPEN = points(np.repeat([0, 1, 5], 10), seed=1)  # two classes of the source and another


def run(
    name: str, target: np.ndarray, state: Mapping[str, Any] | None = None, **options: float
) -> tuple[HeadedNetwork, list[TargetEpoch], list[Any]]:
    """The network that a method trained on features [N, WIDTH], its epochs and their states."""
    method = find_method(name)
    assert method.joint is not None
    settings = method.options_for("", {"steps": STEPS, **options})
    torch.manual_seed(0)
    network = method.joint.build(torch.nn.Identity(), WIDTH, CLASSES, settings)
    source_model = lead.Network(torch.nn.Identity(), WIDTH, CLASSES, 8)
    source = lead.FeatureViews(points(LABELS), CPU)
    data = JointData(network, source, LABELS, STEPS, settings)
    views = lead.FeatureViews(target, CPU)
    found, states = [], []
    for epoch in method.run(source_model, views, CONFIG, state=state, data=data):
        found.append(epoch)
        states.append(copied(epoch.state()))
    return network, found, states
