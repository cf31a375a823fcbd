"""SHOT in open-set mode (Liang et al., ICML 2020): information maximisation and centroids.

Figures of the released scripts (MIT): 15 epochs at 0.01, the cross-entropy of the pseudo-labels
weighs 0.3. The test rule is two clusters of the entropies, here their exact split (`two-means` of
`lead.rejection`; the released k-means starts once and may stop short of it). The last, incomplete
batch of an epoch is dropped, as for all methods here; the released code trains on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from genmix_da.methods.base import Method

if TYPE_CHECKING:
    from torch import Tensor

    from lead.bank import Bank
    from lead.clusters import ClusterEstimate
    from lead.epochs import Run, TakeStep, TargetConfig, TargetEpoch
    from lead.evaluation import Evaluation
    from lead.network import Network
    from lead.views import Views

PUBLISHED: dict[str, dict[str, Any]] = {
    "": {"lambda_psd": 0.3, "epochs": 15, "lr": 0.01, "threshold": "two-means"}
}
_BATCH = 4096
_NAMES = ("pseudo_label", "entropy", "diversity", "total")


@dataclass(frozen=True)
class _Labels:
    """Pseudo-labels [N], C for unknown."""

    label: Tensor
    is_unknown: Tensor


@dataclass
class _Labeller:
    """See `lead.epochs.Labelling`. Distances are between raw embeddings, not unit features."""

    network: Network
    kept: Tensor | None = None  # embeddings of a state
    cluster_count: int = 0

    def estimate(self, current: Evaluation, epoch: int) -> ClusterEstimate | None:
        return None

    def label(self, current: Evaluation) -> _Labels:
        import torch

        from genmix_da.methods.shot_labels import centroid_labels

        found = centroid_labels(self._embedding(current).numpy(), current.probability.cpu().numpy())
        device = current.probability.device
        label = torch.from_numpy(found.label).to(device)
        return _Labels(label, torch.from_numpy(found.split.is_unknown).to(device))

    def _embedding(self, current: Evaluation) -> Tensor:
        """[N, D] raw, on the CPU; of the same pass as the evaluation."""
        import torch

        if current.raw is None:
            assert self.kept is not None
            return self.kept
        device = current.probability.device
        batches = torch.split(current.raw, _BATCH)
        with torch.no_grad():
            return torch.cat([self.network.heads(raw.to(device))[0].cpu() for raw in batches])

    def state(self, current: Evaluation) -> dict[str, Any]:
        return {
            "embedding": self._embedding(current),
            "features": current.features.cpu(),
            "probability": current.probability.cpu(),
        }

    def resume(self, state: Mapping[str, Any]) -> None:
        self.kept = state["embedding"]


def adapt_shot(
    network: Network,
    views: Views,
    config: TargetConfig,
    *,
    state: Mapping[str, Any] | None = None,
) -> Iterator[TargetEpoch]:
    """Adapt by SHOT; see `Adapt`. `config.lambda_psd` weighs the cross-entropy."""
    import torch

    from genmix_da.methods.shot_step import Weights, shot_step
    from lead.epochs import pseudo_label_epochs

    weights = Weights(pseudo_label=config.lambda_psd)

    def begin() -> tuple[_Labeller, TakeStep[_Labels]]:
        def take_step(
            run: Run, images: Tensor, rows: Tensor, labels: _Labels, bank: Bank
        ) -> Tensor:
            own = labels.label[rows]
            _, losses = shot_step(network, run.optimizer, images, own, weights, run.precision)
            # A batch without known samples is passed over; the schedule goes on.
            return torch.zeros(len(_NAMES), device=images.device) if losses is None else losses

        return _Labeller(network), take_step

    return pseudo_label_epochs(network, views, config, begin, _NAMES, state=state)


METHODS = (
    Method(
        "shot-o",
        "none",
        adapt_shot,
        settings=("osda",),
        published=PUBLISHED,
        clustering_free=False,
    ),
)
