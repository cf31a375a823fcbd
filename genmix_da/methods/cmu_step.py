"""CMU's network with five heads, and the steps of its phases (Fu et al., ECCV 2020).

Re-implementation; uncertainties and adversarial loss are verified against arrays of the authors'
released code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, relu

from genmix_da.methods import cmu_scores
from genmix_da.methods.cmu_adversarial import discriminator, domain_loss
from genmix_da.methods.joint import Batch
from lead.epochs import Run
from lead.network import BOTTLENECK_DIM, Bottleneck, HeadedNetwork

HEADS = 5


class CmuNetwork(HeadedNetwork):
    """Backbone, linear layer to 256 with batch norm and relu, a classifier and five more heads.

    Outputs [B, 6C]: C logits of the classifier, then those of each head. The heads are initialised
    differently, so that they differ where nothing was learnt. The discriminator of the domains
    belongs to the network, too.

    Args:
        backbone: images [B, 3, H, W] -> features [B, F].
        feature_dim: F.
        class_count: C.
        older: judge by the earlier variant's score.
    """

    judges_sets = True

    def __init__(
        self, backbone: nn.Module, feature_dim: int, class_count: int, *, older: bool = False
    ) -> None:
        super().__init__(backbone)
        self.older = older
        self.bottleneck = Bottleneck(feature_dim, BOTTLENECK_DIM)
        self.classifier = nn.Linear(BOTTLENECK_DIM, class_count)
        self.ensemble = nn.ModuleList(nn.Linear(BOTTLENECK_DIM, class_count) for _ in range(HEADS))
        weights = [head.get_parameter("weight") for head in self.ensemble]
        nn.init.xavier_uniform_(weights[1], gain=nn.init.calculate_gain("relu"))
        nn.init.xavier_normal_(weights[2])
        nn.init.kaiming_uniform_(weights[3], nonlinearity="relu")
        nn.init.kaiming_normal_(weights[4])
        self.discriminator = discriminator(BOTTLENECK_DIM)

    def outputs(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features [B, F] -> (embedding [B, 256], outputs [B, 6C])."""
        embedding = self._embedded(features)
        logits = [head(embedding) for head in (self.classifier, *self.ensemble)]
        return embedding, torch.cat(logits, dim=1)

    def embed(self, images: Tensor) -> Tensor:
        """Images [B, ...] -> embedding [B, 256] in float32, see `heads`; without any head."""
        features = self.backbone(images)
        with torch.autocast(features.device.type, enabled=False):
            return self._embedded(features.float())

    def _embedded(self, features: Tensor) -> Tensor:
        return relu(self.bottleneck(features))

    def judge(self, embedding: Tensor, outputs: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities of the classifier; the uncertainty is 1 - score of the heads, above 0.5 a
        sample is unknown. It is scaled over all samples that are judged together.
        """
        logits, heads = split(outputs)
        found = cmu_scores.uncertainties(heads)
        unsure = cmu_scores.older_score(found) if self.older else 1 - cmu_scores.score(found)
        return torch.softmax(logits, dim=1), unsure.clamp(0, 1)


def split(outputs: Tensor) -> tuple[Tensor, Tensor]:
    """Outputs [B, 6C] -> the classifier's logits [B, C] and those of the heads [5, B, C]."""
    each = outputs.reshape(len(outputs), HEADS + 1, -1).transpose(0, 1)
    return each[0], each[1:]


@dataclass(frozen=True)
class Calibration:
    """What the target as a whole says, between the phases.

    Attributes:
        class_weight: [C] of source samples by their class.
        threshold: mean uncertainty of the target, for the earlier variant.
    """

    class_weight: Tensor
    threshold: float


def calibrate(probability: Tensor, unsure: Tensor, confident: float) -> Calibration:
    """Weights of the source's classes: how much of them is seen in confident target samples.

    Args:
        probability: [N, C] of the target.
        unsure: [N] its uncertainty.
        confident: samples with 1 - uncertainty of at least this are.
    """
    seen = cmu_scores.mean_of_known(probability, 1 - unsure >= confident)
    return Calibration(cmu_scores.scaled(seen), float(unsure.mean()))


def pretraining_step(
    network: CmuNetwork, run: Run, parts: Sequence[tuple[Tensor, Tensor]]
) -> Tensor:
    """Train all but the discriminator on the source; the loss.

    Args:
        network: in training mode.
        run: how it is optimised.
        parts: for each head images [B, ...] and labels [B].
    """
    losses = []
    for head, (images, labels) in zip(network.ensemble, parts, strict=True):
        with run.precision.autocast():
            embedding = network.embed(images)
        logits, own = network.classifier(embedding), head(embedding)
        losses.append(cross_entropy(logits, labels) / len(parts) + cross_entropy(own, labels))
    total = torch.stack(losses).sum()
    run.precision.step(total, run.optimizer)
    return total.detach()


def head_step(network: CmuNetwork, run: Run, parts: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    """Train each head on its batch, and nothing else; the mean loss.

    Args:
        network: in evaluation mode.
        run, parts: see `pretraining_step`.
    """
    with torch.no_grad(), run.precision.autocast():
        # Together: in evaluation mode no sample changes what another becomes.
        embedded = network.embed(torch.cat([images for images, _ in parts]))
    each = torch.split(embedded, [len(images) for images, _ in parts])
    losses = [
        cross_entropy(head(embedding), labels)
        for head, embedding, (_, labels) in zip(network.ensemble, each, parts, strict=True)
    ]
    run.precision.step(torch.stack(losses).sum(), run.optimizer)
    return torch.stack(losses).mean().detach()


def adversarial_step(
    network: CmuNetwork,
    run: Run,
    batch: Batch,
    found: Calibration,
    coefficient: float,
    weight: float,
) -> Tensor:
    """Train backbone, bottleneck, classifier and discriminator; [2] losses, source and adversarial.

    Args:
        network: in training mode.
        run: how it is optimised.
        batch: of both domains.
        found: of the whole target.
        coefficient: see `reversal`.
        weight: of the adversarial loss.
    """
    with run.precision.autocast():
        of_source = network.embed(batch.source)
        of_target, target = network(batch.target)
    label_term = cross_entropy(network.classifier(of_source), batch.labels)
    unsure = cmu_scores.uncertainties(split(target)[1].detach())
    known = (
        cmu_scores.older_target_weight(unsure, found.threshold)
        if network.older
        else cmu_scores.target_weight(unsure)
    )
    shared = found.class_weight[batch.labels]
    against = domain_loss(
        network.discriminator, (of_source, shared), (of_target, known), coefficient
    )
    against = weight * against
    run.precision.step(label_term + against, run.optimizer)
    return torch.stack([label_term, against]).detach()
