"""Networks of a backbone and heads; that of LEAD has a bottleneck and a classifier.

Its layout and initialisation follow the released code (MIT), after SHOT (Liang et al., ICML 2020).
"""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

BOTTLENECK_DIM = 256


class Bottleneck(nn.Module):
    """Linear layer and batch norm: backbone features [B, F] -> embedding [B, D]."""

    def __init__(self, feature_dim: int, bottleneck_dim: int = BOTTLENECK_DIM) -> None:
        super().__init__()
        self.linear = nn.Linear(feature_dim, bottleneck_dim)
        self.norm = nn.BatchNorm1d(bottleneck_dim)
        nn.init.xavier_normal_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, features: Tensor) -> Tensor:
        embedding: Tensor = self.norm(self.linear(features))
        return embedding


class Classifier(nn.Module):
    """Weight-normalised linear layer: row = gain * direction / |direction|, plus bias.

    The direction keeps torch's default initialisation: the released code initialises the derived
    weight, which the next forward pass overwrites.
    """

    def __init__(self, bottleneck_dim: int, class_count: int) -> None:
        super().__init__()
        self.linear = weight_norm(nn.Linear(bottleneck_dim, class_count))
        nn.init.zeros_(self.linear.bias)

    @property
    def class_weights(self) -> Tensor:
        """[C, D] effective weight rows."""
        weight: Tensor = self.linear.weight
        return weight.detach()

    def forward(self, embedding: Tensor) -> Tensor:
        logits: Tensor = self.linear(embedding)
        return logits


class HeadedNetwork(nn.Module):
    """A backbone and heads; subclasses say what the heads give and what it means.

    Attributes:
        backbone: module that maps images [B, 3, H, W] to features [B, F].
        judges_sets: True where `judge` looks at all samples together: what it says of one then
            depends on the others.
    """

    judges_sets = False

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Images [B, 3, H, W] -> what `heads` gives."""
        return self.heads(self.backbone(images))

    def heads(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Backbone features [B, F] -> (raw embedding [B, D], outputs [B, K]), both float32."""
        # In float32 whatever the backbone ran in: scores hang on fine differences of the logits.
        with torch.autocast(features.device.type, enabled=False):
            return self.outputs(features.float())

    def outputs(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """As `heads`, of float32 features."""
        raise NotImplementedError

    def judge(self, embedding: Tensor, outputs: Tensor) -> tuple[Tensor, Tensor | None]:
        """What the outputs mean, in evaluation.

        Args:
            embedding: [N, D] raw.
            outputs: [N, K].

        Returns:
            Class probabilities [N, C] and uncertainty [N] in [0, 1]; None where it is the
            normalised entropy of the probabilities. Here outputs are logits.
        """
        return torch.softmax(outputs, dim=1), None


class Network(HeadedNetwork):
    """Backbone, bottleneck and classifier.

    Args:
        backbone: module that maps images [B, 3, H, W] to features [B, F].
        feature_dim: F.
        class_count: C, the source classes.
        bottleneck_dim: D.
    """

    def __init__(
        self,
        backbone: nn.Module,
        feature_dim: int,
        class_count: int,
        bottleneck_dim: int = BOTTLENECK_DIM,
    ) -> None:
        super().__init__(backbone)
        self.bottleneck = Bottleneck(feature_dim, bottleneck_dim)
        self.classifier = Classifier(bottleneck_dim, class_count)

    def outputs(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features [B, F] -> (raw embedding [B, D], logits [B, C])."""
        embedding = self.bottleneck(features)
        return embedding, self.classifier(embedding)

    def freeze_classifier(self) -> None:
        """Keep the classifier as the source left it (the target stage of LEAD)."""
        self.classifier.requires_grad_(False)


NetworkT = TypeVar("NetworkT", bound=HeadedNetwork)


def to_device(network: NetworkT, device: torch.device) -> NetworkT:
    """Move the network to its device in the layout its convolutions run fastest in."""
    return network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]
