"""The tiny network of GLC's and SHOT's training files."""

from __future__ import annotations

import torch
from torch import nn

from golden_methods.files import Arrays
from golden_values.comparison import tensor
from golden_values.train import TRAIN_PARAMETERS
from lead.network import Network

# The same parameters under the names that these files have for batch norm's.
_NAMES = {"bn_scale": "bn_weight", "bn_shift": "bn_bias"}
PARAMETERS = {_NAMES.get(name, name): ours for name, ours in TRAIN_PARAMETERS.items()}


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
