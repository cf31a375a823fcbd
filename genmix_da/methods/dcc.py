"""DCC (Li et al., CVPR 2021): domain consensus clustering, with source data.

Figures of the released configurations (MIT): 3000 steps in 15 rounds, 36 source images a step and
batches of 10 x 3 (Office-31) or 6 x 6 images (Office-Home) by class and by cluster, the heads' rate
0.001 or 0.01 (backbone a tenth), numbers of clusters tried at intervals of 2 or 5 up to 3 or 5
times the classes, on Office-Home two rounds on the source alone. Other data, which the authors give
no configuration for, take Office-Home's rate and two rounds, and Office-31's clusters and batches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from genmix_da.errors import UserError
from genmix_da.methods.base import BENCHMARKS, Joint, JointData, Method

if TYPE_CHECKING:
    from torch import nn

    from lead.epochs import TargetConfig, TargetEpoch
    from lead.network import HeadedNetwork
    from lead.views import Views

_COMMON: dict[str, Any] = {"lr": 0.01, "epochs": 15, "threshold": 0.5}
PUBLISHED: dict[str, dict[str, Any]] = {"": _COMMON, "office-31": _COMMON | {"lr": 0.001}}
_BATCH: dict[str, Any] = {"batch_size": 36, "steps": 3000}
OPTIONS: dict[str, dict[str, Any]] = {
    "": {
        **{"batch_size": None, "steps": None, "rounds": 15, "warmup": 2},
        **{"interval": 2, "max_search": 3, "drop": 4, "classes": 10, "per_class": 3},
        **{"contrast": 0.1, "temperature": 0.1, "gamma": 3},
    },
    **dict.fromkeys(BENCHMARKS, _BATCH),
    "office-31": _BATCH | {"warmup": 0},
    "office-home": _BATCH | {"interval": 5, "max_search": 5, "classes": 6, "per_class": 6},
}


def most_clusters(class_count: int, options: Mapping[str, Any]) -> int:
    """The highest number of clusters that is tried for C classes."""
    return max(int(class_count * options["max_search"]), int(options["interval"]))


def check(options: Mapping[str, Any]) -> None:
    """Options that fit together.

    Raises:
        UserError: batches of one image of a class, a search that ends with its first score, or no
            round in which the target is clustered.
    """
    for name in ("per_class", "drop"):
        if options[name] < 2:
            raise UserError(f"--method-arg {name} is {options[name]}; it must be at least 2.")
    if options["rounds"] <= options["warmup"]:
        raise UserError(
            f"--method-arg rounds is {options['rounds']} and warmup {options['warmup']}: the "
            "target would never be clustered; give more rounds."
        )


def build(
    backbone: nn.Module, feature_dim: int, class_count: int, options: Mapping[str, Any]
) -> HeadedNetwork:
    """The network of DCC; see `genmix_da.methods.base.Joint`."""
    from genmix_da.methods.dcc_step import DccNetwork

    return DccNetwork(backbone, feature_dim, class_count, most_clusters(class_count, options))


def adapt_dcc(
    data: JointData,
    network: HeadedNetwork,
    views: Views,
    config: TargetConfig,
    *,
    state: Mapping[str, Any] | None = None,
) -> Iterator[TargetEpoch]:
    """Train by DCC; see `genmix_da.methods.base.JointAdapt`."""
    from genmix_da.methods.dcc_rounds import DccLearner, Rounds
    from genmix_da.methods.dcc_step import DccNetwork, Weights
    from genmix_da.methods.joint import Span, Trained, trained_epochs
    from lead.epochs import Run

    trained, options = data.network, data.options
    assert isinstance(trained, DccNetwork)
    whole = ("rounds", "warmup", "interval", "drop", "classes", "per_class")
    counts = {name: int(options[name]) for name in whole}
    rounds = Rounds(**counts, most=len(trained.memory), gamma=float(options["gamma"]))
    weights = Weights(float(options["contrast"]), float(options["temperature"]))

    def begin(run: Run) -> DccLearner:
        return DccLearner(data, views, config, run, rounds, weights)

    def train(learner: DccLearner, run: Run, span: Span) -> Trained:
        return learner.train(span)

    return trained_epochs(data, network, views, config, begin, train, state=state)


METHODS = (
    Method(
        "dcc",
        "none",
        published=PUBLISHED,
        joint=Joint(build, adapt_dcc, OPTIONS, check=check),
        clustering_free=False,
    ),
)
