"""Which estimator of C_t a run can afford: t-SNE grows faster than the epochs that it serves."""

from __future__ import annotations

import dataclasses

from genmix_da.adaptation.config import AdaptConfig
from genmix_da.config_values import AUTO

# Target images up to which the published estimate is made of a trained backbone: within a minute,
# and more than any domain of Office-Home has.
TSNE_LIMIT = 5000


def affordable_estimator(images: int, frozen: bool) -> str:
    """What "auto" means: "tsne", as published, where it is cheap beside the epochs it serves.

    Heads on a frozen backbone train ten epochs in a third of the time that t-SNE takes, at any
    size, so "features" serves them (docs/results/scale.md: on Office-Caltech-10, where this was
    chosen, the averages of both are within 0.3 points).

    Args:
        images: of the target.
        frozen: whether the backbone is.
    """
    return "tsne" if not frozen and images <= TSNE_LIMIT else "features"


def with_estimator(config: AdaptConfig, images: int) -> AdaptConfig:
    """The configuration with its estimator, where "auto" stood."""
    if config.cluster_estimator != AUTO:
        return config
    found = affordable_estimator(images, bool(config.freeze_backbone))
    return dataclasses.replace(config, cluster_estimator=found)


def switched(given: AdaptConfig, settled: AdaptConfig) -> bool:
    """Whether "auto" became something else than what was published."""
    return given.cluster_estimator == AUTO and settled.cluster_estimator != "tsne"
