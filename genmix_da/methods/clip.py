"""CLIP on a frozen CLIP backbone: zero-shot, and a head distilled from it (Deng and Jia, 2023).

The targets of `clip-distill` are calibrated: their temperature is found on source images, so it is
not source-free. Figures of uniood, their code: 10000 steps of 32 target images, rate 0.01, weight
decay 5e-4; unknown where the entropy is above log(C) / 2. Its cosine schedule is the loop's here.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from genmix_da.methods.base import BENCHMARKS, Joint, JointData, Method, from_methods

if TYPE_CHECKING:
    from genmix_da.methods.clip_head import ClipNetwork
    from lead.epochs import TargetConfig, TargetEpoch
    from lead.network import HeadedNetwork
    from lead.views import Views

logger = logging.getLogger(__name__)

PUBLISHED: dict[str, dict[str, Any]] = {"": {"lr": 0.01, "epochs": 20, "threshold": 0.5}}
DISTILL_OPTIONS: dict[str, dict[str, Any]] = {
    "": {"batch_size": None, "steps": None, "temperature": None},
    **{profile: {"batch_size": 32, "steps": 10000} for profile in BENCHMARKS},
}


def _read_classes(data: JointData, network: ClipNetwork) -> None:
    """Put the class names' embeddings into a network; a state that is read next has the same."""
    assert data.texts is not None
    embedding, scale = data.texts()
    network.text.copy_(embedding)
    network.scale.fill_(scale)


def adapt_zero_shot(
    data: JointData,
    network: HeadedNetwork,
    views: Views,
    config: TargetConfig,
    *,
    state: Mapping[str, Any] | None = None,
) -> Iterator[TargetEpoch]:
    """Nothing is trained: epoch 1 is what CLIP says; see `genmix_da.methods.base.JointAdapt`."""
    from genmix_da.methods.clip_head import ClipNetwork
    from lead.epochs import TargetEpoch
    from lead.evaluation import evaluate

    trained = data.network
    assert isinstance(trained, ClipNetwork)
    _read_classes(data, trained)
    for epoch, seen in ((0, network), (1, trained)):
        if state is not None and epoch <= int(state["epoch"]):
            continue
        started = time.perf_counter()
        current = evaluate(seen, views)
        kept = {
            "epoch": epoch,
            "network": trained.state_dict(),
            "features": current.features.cpu(),
            "probability": current.probability.cpu(),
        }
        seconds = {"evaluate": time.perf_counter() - started}
        yield TargetEpoch(
            *(epoch, current, {}, 0.0, None, 0, None, seconds),
            lambda kept=kept: kept,  # type: ignore[misc]
            seen,
            0,
        )


def adapt_distilled(
    data: JointData,
    network: HeadedNetwork,
    views: Views,
    config: TargetConfig,
    *,
    state: Mapping[str, Any] | None = None,
) -> Iterator[TargetEpoch]:
    """Distil the zero-shot head on the target; see `genmix_da.methods.base.JointAdapt`."""
    import torch

    from genmix_da.methods.clip_head import (
        DistilledNetwork,
        DistillLearner,
        calibrated_temperature,
    )
    from genmix_da.methods.joint import joint_epochs
    from lead.evaluation import EVALUATION_BATCH

    trained = data.network
    assert isinstance(trained, DistilledNetwork)
    _read_classes(data, trained)
    temperature = data.options["temperature"]
    if temperature is None:
        with torch.no_grad():
            batches = data.views.evaluation_batches(EVALUATION_BATCH)
            seen = [trained.zero_shot(trained.backbone(batch)) for batch in batches]
        # By name: in the order of the outputs the shared classes come first, which nobody knows.
        order = sorted(range(len(data.names)), key=lambda place: data.names[place])
        place_of = torch.tensor(order).argsort()
        labels = place_of[torch.from_numpy(data.labels)].to(views.device)
        temperature = calibrated_temperature(torch.cat(seen)[:, order], labels)
        logger.info("temperature of the targets, calibrated on the source: %.4g", temperature)
    return joint_epochs(
        *(data, network, views, config),
        lambda run: DistillLearner(trained, run, float(temperature)),
        state=state,
    )


_ZERO_SHOT = Joint(
    from_methods("clip_head", "ClipNetwork"),
    adapt_zero_shot,
    {"": {}},
    texts=True,
    source=False,
    uncertainty=False,
)
_DISTILL = Joint(
    from_methods("clip_head", "DistilledNetwork"),
    adapt_distilled,
    DISTILL_OPTIONS,
    texts=True,
    uncertainty=False,
)
METHODS = (
    Method("clip-zero-shot", published={"": {"threshold": 0.5}}, epochs=1, joint=_ZERO_SHOT),
    Method("clip-distill", published=PUBLISHED, joint=_DISTILL),
)
