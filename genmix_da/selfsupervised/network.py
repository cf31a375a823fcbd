"""MoCo v2 and SimSiam: backbone, heads and loss as one module, parts of lightly put together.

Heads have the widths of the authors' code: hidden layers as wide as the backbone's features; MoCo's
output 128, SimSiam's 2048 with a predictor of 512.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genmix_da.selfsupervised.config import MOCO, SelfSupervisedConfig
from genmix_da.selfsupervised.needed import lightly
from genmix_da.selfsupervised.task import SelfSupervisedTask
from lead.backbones import build_backbone
from lead.seeds import derive

MOCO_WIDTH = 128
SIMSIAM_WIDTH, PREDICTOR_WIDTH = 2048, 512


class PretrainedNetwork(nn.Module):
    """A backbone with what its pre-training needs.

    Args:
        backbone: images [B, 3, S, S] -> features [B, F]; what is kept in the end.
        width: D, of the projections.
    """

    def __init__(self, backbone: nn.Module, width: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.width = width

    def forward(self, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        """Two views [B, 3, S, S] of each image -> (loss, projections [B, D] of the first)."""
        raise NotImplementedError

    def trained(self) -> list[dict[str, Any]]:
        """Parameter groups; one with "fixed" keeps its learning rate."""
        raise NotImplementedError

    def memory(self) -> dict[str, Tensor]:
        """What a state has to hold beside parameters and buffers."""
        return {}

    def remember(self, memory: Mapping[str, Tensor]) -> None:
        """Take over what `memory` gave."""


class MocoNetwork(PretrainedNetwork):
    """MoCo v2 (Chen et al., arXiv 2003.04297; MoCo: He et al., CVPR 2020, Alg. 1).

    Shuffled batch norm: the authors normalise the 32 images of each GPU apart and shuffle the keys
    over the GPUs, so that a query and its key are normalised with other images. Here one device
    does the same with groups of a batch.

    Args:
        backbone, feature_dim: F.
        config: temperature, momentum, queue and group.
    """

    def __init__(self, backbone: nn.Module, feature_dim: int, config: SelfSupervisedConfig) -> None:
        super().__init__(backbone, MOCO_WIDTH)
        heads, losses = lightly("models.modules.heads"), lightly("loss")
        self._update = lightly("models.utils").update_momentum
        self._momentum = float(config.encoder_momentum or 0.0)
        self._group = int(config.norm_group or 2)
        self.head = heads.MoCoProjectionHead(feature_dim, feature_dim, MOCO_WIDTH)
        self.keys = nn.ModuleList([copy.deepcopy(backbone), copy.deepcopy(self.head)])
        self.keys.requires_grad_(False)
        self.loss = losses.NTXentLoss(
            temperature=float(config.temperature or 1.0),
            memory_bank_size=(int(config.queue or 0), MOCO_WIDTH),
        )

    def forward(self, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        """Queries from the first views, keys from the second; these join the queue afterwards."""
        groups = max(len(first) // self._group, 1)
        queries = torch.cat([self.head(self.backbone(p)) for p in first.tensor_split(groups)])
        with torch.no_grad():
            for online, key in zip((self.backbone, self.head), self.keys, strict=True):
                self._update(online, key, self._momentum)
            # Drawn on the CPU, so that the order is the same on every device.
            order = torch.randperm(len(second)).to(second.device)
            backbone, head = self.keys
            shuffled = [head(backbone(part)) for part in second[order].tensor_split(groups)]
            keys = torch.cat(shuffled)[order.argsort()]
        # In float32 whatever the backbone ran in.
        with torch.autocast(first.device.type, enabled=False):
            loss: Tensor = self.loss(queries.float(), keys.float())
        return loss, queries

    def trained(self) -> list[dict[str, Any]]:
        """Backbone and head; the momentum encoder follows them."""
        return [{"params": [*self.backbone.parameters(), *self.head.parameters()]}]

    def memory(self) -> dict[str, Tensor]:
        """The queue [K, D] and where its next keys go, which lightly keeps out of its state."""
        bank = self.loss.memory_bank
        return {"keys": bank.bank, "place": bank.bank_ptr}

    def remember(self, memory: Mapping[str, Tensor]) -> None:
        """See the class."""
        bank = self.loss.memory_bank
        bank.bank.copy_(memory["keys"])
        bank.bank_ptr.copy_(memory["place"])


class SimSiamNetwork(PretrainedNetwork):
    """SimSiam (Chen and He, CVPR 2021, Alg. 1).

    Args:
        backbone, feature_dim: F.
    """

    def __init__(self, backbone: nn.Module, feature_dim: int) -> None:
        super().__init__(backbone, SIMSIAM_WIDTH)
        heads = lightly("models.modules.heads")
        self.head = heads.SimSiamProjectionHead(feature_dim, feature_dim, SIMSIAM_WIDTH)
        self.predictor = heads.SimSiamPredictionHead(SIMSIAM_WIDTH, PREDICTOR_WIDTH, SIMSIAM_WIDTH)
        self.loss = lightly("loss").NegativeCosineSimilarity()

    def forward(self, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        """Each view's prediction against the other's projection, which gets no gradient."""
        projected = [self.head(self.backbone(views)) for views in (first, second)]
        predicted = [self.predictor(z) for z in projected]
        with torch.autocast(first.device.type, enabled=False):
            one = self.loss(predicted[0].float(), projected[1].detach().float())
            other = self.loss(predicted[1].float(), projected[0].detach().float())
        return (one + other) / 2, projected[0]

    def trained(self) -> list[dict[str, Any]]:
        """All; the predictor's rate stays as it is (Sec. 4.2, "Predictor")."""
        return [
            {"params": [*self.backbone.parameters(), *self.head.parameters()]},
            {"params": [*self.predictor.parameters()], "fixed": True},
        ]


def build_network(task: SelfSupervisedTask, weights: str) -> PretrainedNetwork:
    """The network of a task, what is new in it initialised from the seed.

    Args:
        task: method, backbone and device.
        weights: see lead.build_backbone; "none" where a state is loaded next.

    Raises:
        UserError: lightly is not installed.
    """
    config = task.config
    backbone = start_backbone(config, weights)
    torch.manual_seed(derive(config.seed, "heads"))
    network: PretrainedNetwork
    if config.method == MOCO:
        network = MocoNetwork(backbone, task.feature_dim, config)
    else:
        network = SimSiamNetwork(backbone, task.feature_dim)
    network.to(task.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def start_backbone(config: SelfSupervisedConfig, weights: str) -> nn.Module:
    """The backbone as a pre-training begins with it, random where there are no weights."""
    torch.manual_seed(derive(config.seed, "initialisation"))
    return build_backbone(
        config.backbone, weights=weights, arguments=config.backbone_arguments
    ).module


@torch.no_grad()
def unit_spread(projections: Tensor) -> Tensor:
    """Standard deviation over a batch of unit projections, mean over their D directions.

    0 where all projections are one (SimSiam, Fig. 2), 1 / sqrt(D) where they are spread evenly.

    Args:
        projections: [B, D].
    """
    return F.normalize(projections.float(), dim=1).std(dim=0, unbiased=False).mean()
