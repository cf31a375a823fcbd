"""OVANet (Saito and Saenko, ICCV 2021): one-vs-all classifiers, with source data.

Figures of the released configurations (MIT), the same for all data sets: 10000 steps of 36 source
and 36 target images, rate 0.01 (backbone a tenth), weight decay 5e-4, an evaluation every 500
steps, the target's entropy with weight 0.1, unknown above 0.5.
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
    "": {"batch_size": None, "steps": None, "entropy_weight": 0.1},
    **{profile: {"batch_size": 36, "steps": 10000} for profile in BENCHMARKS},
}


def adapt_ovanet(
    data: JointData,
    network: HeadedNetwork,
    views: Views,
    config: TargetConfig,
    *,
    state: Mapping[str, Any] | None = None,
) -> Iterator[TargetEpoch]:
    """Train by OVANet; see `genmix_da.methods.base.JointAdapt`."""
    from genmix_da.methods.joint import joint_epochs
    from genmix_da.methods.ovanet_step import OvanetLearner, OvanetNetwork

    trained, weight = data.network, float(data.options["entropy_weight"])
    assert isinstance(trained, OvanetNetwork)
    return joint_epochs(
        *(data, network, views, config),
        lambda run: OvanetLearner(trained, run, weight),
        state=state,
    )


_JOINT = Joint(from_methods("ovanet_step", "OvanetNetwork"), adapt_ovanet, OPTIONS)
METHODS = (Method("ovanet", published=PUBLISHED, joint=_JOINT),)
