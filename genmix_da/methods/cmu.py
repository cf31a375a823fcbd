"""CMU (Fu et al., ECCV 2020): calibrated multiple uncertainties, with source data.

Figures of the released code for Office-31, its newer state: batches of 32, rate 0.01 (backbone a
tenth), weight decay 0.001, 1000 steps of pre-training, then 20 epochs of 500 steps of the heads and
1000 adversarial ones, unknown where the score is below 0.5. Nothing of it is published for other
data; they take the same. With `older` the score and the target's weights are those of the earlier
state, whose threshold was 0.55 on Office-31.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from genmix_da.methods.base import BENCHMARKS, Joint, JointData, Method

if TYPE_CHECKING:
    from torch import nn

    from lead.epochs import TargetConfig, TargetEpoch
    from lead.network import HeadedNetwork
    from lead.views import Views

PUBLISHED: dict[str, dict[str, Any]] = {"": {"lr": 0.01, "epochs": 20, "threshold": 0.5}}
OPTIONS: dict[str, dict[str, Any]] = {
    "": {
        **{"batch_size": None, "steps": None},
        **{"adversarial_weight": 1.0, "confident": 0.5, "older": 0},
    },
    **{profile: {"batch_size": 32, "steps": 31000} for profile in BENCHMARKS},
}


def build(
    backbone: nn.Module, feature_dim: int, class_count: int, options: Mapping[str, Any]
) -> HeadedNetwork:
    """The network of CMU; see `genmix_da.methods.base.Joint`."""
    from genmix_da.methods.cmu_step import CmuNetwork

    return CmuNetwork(backbone, feature_dim, class_count, older=bool(options["older"]))


def adapt_cmu(
    data: JointData,
    network: HeadedNetwork,
    views: Views,
    config: TargetConfig,
    *,
    state: Mapping[str, Any] | None = None,
) -> Iterator[TargetEpoch]:
    """Train by CMU; see `genmix_da.methods.base.JointAdapt`."""
    from genmix_da.methods.cmu_phases import CmuLearner
    from genmix_da.methods.joint import Span, Trained, trained_epochs
    from lead.epochs import Run
    from lead.schedule import WEIGHT_DECAY

    confident = float(data.options["confident"])
    weight = float(data.options["adversarial_weight"])

    def begin(run: Run) -> CmuLearner:
        return CmuLearner(data, views, config, run, confident, weight)

    def train(learner: CmuLearner, run: Run, span: Span) -> Trained:
        return learner.train(span)

    return trained_epochs(
        *(data, network, views, config, begin, train), state=state, weight_decay=WEIGHT_DECAY
    )


METHODS = (Method("cmu", "none", published=PUBLISHED, joint=Joint(build, adapt_cmu, OPTIONS)),)
