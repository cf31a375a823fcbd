"""DANCE (Saito et al., NeurIPS 2020): neighbourhoods and separated entropies, with source data.

Figures of the released configurations (MIT), the same for all data sets: 10000 steps of 36 source
and 36 target images, rate 0.01 (backbone a tenth), weight decay 5e-4, an evaluation every 500
steps, both losses with weight 0.05, margin 0.5, unknown where the entropy is above log(C) / 2 (the
configurations round it: 1.15 for 1.151). In PDA the released code rejects as well; here no method
does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from genmix_da.methods.base import BENCHMARKS, Joint, JointData, Method, from_methods

if TYPE_CHECKING:
    from lead.epochs import TargetConfig, TargetEpoch
    from lead.network import HeadedNetwork
    from lead.views import Views

PUBLISHED: dict[str, dict[str, Any]] = {"": {"lr": 0.01, "epochs": 20, "threshold": 0.5}}
OPTIONS: dict[str, dict[str, Any]] = {
    "": {"batch_size": None, "steps": None, "weight": 0.05, "margin": 0.5, "momentum": 0.0},
    **{profile: {"batch_size": 36, "steps": 10000} for profile in BENCHMARKS},
}


def adapt_dance(
    data: JointData,
    network: HeadedNetwork,
    views: Views,
    config: TargetConfig,
    *,
    state: Mapping[str, Any] | None = None,
) -> Iterator[TargetEpoch]:
    """Train by DANCE; see `genmix_da.methods.base.JointAdapt`."""
    from genmix_da.methods.dance_step import DanceLearner, DanceNetwork, Settings
    from genmix_da.methods.joint import joint_epochs

    trained = data.network
    assert isinstance(trained, DanceNetwork)
    names = ("weight", "margin", "momentum")
    settings = Settings(**{name: float(data.options[name]) for name in names})
    return joint_epochs(
        *(data, network, views, config),
        lambda run: DanceLearner(trained, run, settings, len(views)),
        state=state,
    )


_JOINT = Joint(from_methods("dance_step", "DanceNetwork"), adapt_dance, OPTIONS, uncertainty=False)
METHODS = (Method("dance", published=PUBLISHED, joint=_JOINT),)
