"""UniOT (Chang et al., NeurIPS 2022): unified optimal transport, with source data.

Figures of the released configurations (MIT): 10000 steps of 36 source and 36 target images, rate
0.01 (backbone a tenth), weight decay 5e-4, an evaluation every 500 steps, both losses on target
samples with weight 0.1, gamma 0.7, no transport to the classes up to step 100; clusters, queue and
momentum of the classes' mass by data set, those of Office-Home where there is no other. It is
published for OPDA alone; here it runs in all settings, and in PDA nothing is rejected.
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
_BY_DATA_SET: dict[str, dict[str, Any]] = {
    "office-31": {"clusters": 50, "queue": 2000, "mu": 0.7},
    "office-home": {"clusters": 150, "queue": 4000, "mu": 1.0},
    "visda-c": {"clusters": 500, "queue": 5000, "mu": 0.7},
    "domainnet": {"clusters": 1000, "queue": 5000, "mu": 1.0},
}
OPTIONS: dict[str, dict[str, Any]] = {
    "": {
        "batch_size": None,
        "steps": None,
        **_BY_DATA_SET["office-home"],
        "gamma": 0.7,
        "weight": 0.1,
        "warmup": 100,
    },
    **{name: {"batch_size": 36, "steps": 10000, **_BY_DATA_SET[name]} for name in BENCHMARKS},
}


def build(
    backbone: nn.Module, feature_dim: int, class_count: int, options: Mapping[str, Any]
) -> HeadedNetwork:
    """The network of UniOT; see `genmix_da.methods.base.Joint`."""
    from genmix_da.methods.uniot_network import UniotNetwork

    return UniotNetwork(
        backbone, feature_dim, class_count, int(options["clusters"]), float(options["gamma"])
    )


def adapt_uniot(
    data: JointData,
    network: HeadedNetwork,
    views: Views,
    config: TargetConfig,
    *,
    state: Mapping[str, Any] | None = None,
) -> Iterator[TargetEpoch]:
    """Train by UniOT; see `genmix_da.methods.base.JointAdapt`."""
    from genmix_da.methods.joint import joint_epochs
    from genmix_da.methods.uniot_network import UniotNetwork
    from genmix_da.methods.uniot_queue import Queue, first_queue
    from genmix_da.methods.uniot_step import Settings, UniotLearner
    from lead.epochs import Run

    trained, options = data.network, data.options
    assert isinstance(trained, UniotNetwork)
    settings = Settings(float(options["weight"]), float(options["mu"]), int(options["warmup"]))

    def begin(run: Run) -> UniotLearner:
        def first() -> Queue:
            size = {"batch_size": config.batch_size, "size": int(options["queue"])}
            return first_queue(trained, views, run.precision, **size, seed=config.seed)

        return UniotLearner(trained, run, settings, config.seed, first)

    return joint_epochs(data, network, views, config, begin, state=state)


METHODS = (
    Method(
        "uniot",
        published=PUBLISHED,
        joint=Joint(build, adapt_uniot, OPTIONS),
        clustering_free=False,
    ),
)
