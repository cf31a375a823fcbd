"""The network of a model as a module that gives logits alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from genmix_da.errors import UserError
from lead.network import HeadedNetwork


class LogitModule(nn.Module):
    """Network inputs [B, 3, S, S] -> logits [B, C], whose softmax are the probabilities.

    Args:
        network: of a model. Of one with a rule of its own for probabilities the logits are their
            logarithms.

    Raises:
        UserError: the network judges all images of a set together.
    """

    def __init__(self, network: HeadedNetwork) -> None:
        super().__init__()
        if network.judges_sets:
            raise UserError(
                "this method judges all images of a set together: one image has no logits; use "
                "Model.predict."
            )
        self.network = network
        # Whether the outputs are the logits already.
        self._plain = type(network).judge is HeadedNetwork.judge

    def forward(self, images: Tensor) -> Tensor:
        """Images [B, 3, S, S] -> logits [B, C]."""
        embedding, outputs = self.network(images)
        if self._plain:
            return torch.as_tensor(outputs)
        probability, _ = self.network.judge(embedding, outputs)
        return probability.clamp(min=torch.finfo(probability.dtype).tiny).log()
