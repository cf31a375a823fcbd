"""The tiny network of GLC's and SHOT's training files, and views of rows of numbers."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from golden_methods.files import Arrays
from golden_values.comparison import tensor
from lead.network import Network

CPU = torch.device("cpu")
PARAMETERS = {
    "backbone_weight": "backbone.weight",
    "backbone_bias": "backbone.bias",
    "bottleneck_weight": "bottleneck.linear.weight",
    "bottleneck_bias": "bottleneck.linear.bias",
    "bn_weight": "bottleneck.norm.weight",
    "bn_bias": "bottleneck.norm.bias",
    "bn_running_mean": "bottleneck.norm.running_mean",
    "bn_running_var": "bottleneck.norm.running_var",
    "classifier_gain": "classifier.linear.parametrizations.weight.original0",
    "classifier_direction": "classifier.linear.parametrizations.weight.original1",
    "classifier_bias": "classifier.linear.bias",
}


class Rows:
    """Stands in for views of images: rows of numbers."""

    device = CPU

    def __init__(self, rows: torch.Tensor) -> None:
        self.rows = rows

    def evaluation_batches(self, batch_size: int) -> Iterable[torch.Tensor]:
        return self.rows.split(batch_size)


def network_of(arrays: Arrays) -> Network:
    """The network of a train file, before its first step."""
    backbone_dim, input_dim = arrays["init_backbone_weight"].shape
    class_count, dim = arrays["init_classifier_direction"].shape
    network = Network(nn.Linear(input_dim, backbone_dim), backbone_dim, class_count, dim)
    named = {ours: tensor(arrays[f"init_{name}"]) for name, ours in PARAMETERS.items()}
    named["bottleneck.norm.num_batches_tracked"] = torch.tensor(0)
    network.load_state_dict(named)
    network.freeze_classifier()
    return network


def parameters_of(network: Network) -> dict[str, torch.Tensor]:
    """The parameters as they are, named as files name those after a step."""
    held = network.state_dict()
    return {f"after_{name}": held[ours].clone() for name, ours in PARAMETERS.items()}
