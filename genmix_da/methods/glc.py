"""GLC (Qu et al., CVPR 2023) and GLC++ (2024): global and local clustering, source-free.

Weights as in the released scripts (MIT): the pseudo-label loss 0.3 on Office-31 and VisDA-C, 1.5 on
Office-Home and DomainNet; GLC++ adds its contrast with weight 1. C_t is searched in the first epoch
alone, among 0.25, 0.5, 1, 2 and 3 times C.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from genmix_da.methods.base import Method

if TYPE_CHECKING:
    from torch import Tensor

    from genmix_da.methods.glc_labels import OneVsAllLabels
    from lead.bank import Bank
    from lead.clusters import ClusterEstimate
    from lead.epochs import Run, TakeStep, TargetConfig, TargetEpoch
    from lead.evaluation import Evaluation
    from lead.network import Network
    from lead.views import Views

COEFFICIENTS = (0.25, 0.5, 1.0, 2.0, 3.0)
# Office-Home's also for data that nothing is published of, as elsewhere.
PUBLISHED: dict[str, dict[str, Any]] = {
    "": {"lambda_psd": 1.5},
    "office-31": {"lambda_psd": 0.3},
    "visda-c": {"lambda_psd": 0.3, "epochs": 20},
    "visda-c/osda": {"epochs": 30},
    "domainnet": {"lambda_psd": 1.5},  # on a bottleneck of 512; here all share one source model
}
_NAMES = ("pseudo_label", "neighbours", "contrast", "total")


@dataclass
class _Labeller:
    """See `lead.epochs.Labelling`."""

    classes: int
    config: TargetConfig
    coefficient: float = 1.0

    @property
    def cluster_count(self) -> int:
        from lead.clusters import effective_cluster_count

        return effective_cluster_count(self.classes, self.coefficient)

    def estimate(self, current: Evaluation, epoch: int) -> ClusterEstimate | None:
        from lead.clusters import estimate_clusters

        if epoch > 1:
            return None
        found = estimate_clusters(
            current.features.cpu().numpy(),
            self.classes,
            coefficients=COEFFICIENTS,
            estimator=self.config.cluster_estimator,
            subsample=self.config.subsample_estimation,
        )
        self.coefficient = found.coefficient
        return found

    def label(self, current: Evaluation) -> OneVsAllLabels:
        from genmix_da.methods.glc_labels import one_vs_all, prototypes

        found = prototypes(current.features, current.probability, self.coefficient)
        return one_vs_all(current.features, found)

    def state(self, current: Evaluation) -> dict[str, Any]:
        return {
            "coefficient": self.coefficient,
            "features": current.features.cpu(),
            "probability": current.probability.cpu(),
        }

    def resume(self, state: Mapping[str, Any]) -> None:
        self.coefficient = float(state["coefficient"])


def adapt_glc(
    network: Network,
    views: Views,
    config: TargetConfig,
    *,
    contrast: float = 0.0,
    state: Mapping[str, Any] | None = None,
) -> Iterator[TargetEpoch]:
    """Adapt by GLC; see `Adapt`.

    Args:
        network, views, state: see `Adapt`.
        config: `lambda_psd` weighs the pseudo-label loss.
        contrast: weight of GLC++'s term.
    """
    from genmix_da.methods.glc_step import Weights, contrast_start, glc_step
    from lead.epochs import pseudo_label_epochs

    weights = Weights(config.lambda_psd, contrast=contrast)

    def begin() -> tuple[_Labeller, TakeStep[OneVsAllLabels]]:
        labeller = _Labeller(len(network.classifier.class_weights), config)

        def take_step(
            run: Run, images: Tensor, rows: Tensor, labels: OneVsAllLabels, bank: Bank
        ) -> Tensor:
            start = contrast_start(config.batch_size, labeller.classes, labeller.coefficient)
            target = labels.soft_target
            return glc_step(
                *(network, run.optimizer, images, rows, target, bank, weights, start),
                run.precision,
            ).losses

        return labeller, take_step

    return pseudo_label_epochs(network, views, config, begin, _NAMES, state=state)


METHODS = (
    Method("glc", "none", adapt_glc, published=PUBLISHED, clustering_free=False),
    Method(
        "glc++",
        "none",
        partial(adapt_glc, contrast=1.0),
        published=PUBLISHED,
        clustering_free=False,
    ),
)
