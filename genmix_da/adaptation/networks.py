"""The networks of a task: the source model's, and those of methods with heads of their own."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from genmix_da.adaptation.task import Task
from genmix_da.errors import UserError
from genmix_da.methods import GENMIX, find_method
from lead.backbones import Backbone, build_backbone
from lead.errors import WeightsError
from lead.network import HeadedNetwork, Network, NetworkT, to_device
from lead.seeds import derive
from lead.shards import processes, share_out


def build_network(task: Task, weights: str) -> Network:
    """The network of LEAD for the task, its new layers initialised from the seed.

    Args:
        task: backbone, classes and device.
        weights: "imagenet", "none" or a file; "none" where a checkpoint is loaded next. Of no
            account with a frozen backbone: the network is its heads alone, and takes features.
    """
    backbone, width = _backbone(task, weights), task.config.bottleneck_dim or 256
    network = Network(backbone.module, backbone.feature_dim, task.label_sets.unknown, width)
    to_device(network, task.device)
    _share_out(task, network)
    return network


def _share_out(task: Task, network: HeadedNetwork) -> None:
    """Let several processes, where there are, each run the backbone on a part of the batches.

    Raises:
        UserError: that would not be what one does.
    """
    world = processes()
    if world == 1:
        return
    config = task.config
    if task.encoder is not None:
        raise UserError("a frozen backbone trains heads alone; leave --devices out.")
    # Others were not tried, and AdaBN would take the statistics of its own part of the images.
    if config.method_name().removesuffix(GENMIX) != "lead":
        raise UserError(f"--devices does not go with the method {config.method_name()}.")
    if int(config.batch_size or 0) < 2 * world:
        raise UserError(f"a batch of {config.batch_size} is too small for {world} devices.")
    share_out(network.backbone, task.device)


def build_joint_network(task: Task, weights: str) -> HeadedNetwork:
    """The same with the heads of the task's method, which must be one with source data."""
    joint = find_method(task.config.method_name()).joint
    assert joint is not None
    backbone, classes = _backbone(task, weights), task.label_sets.unknown
    options = task.config.method_options
    network = joint.build(backbone.module, backbone.feature_dim, classes, options)
    return to_device(network, task.device)


def _backbone(task: Task, weights: str) -> Backbone:
    """The backbone; what is drawn from torch's generator next hangs on the seed alone."""
    config = task.config
    torch.manual_seed(derive(config.seed, "initialisation"))
    if task.encoder is not None:
        return Backbone(nn.Identity(), task.encoder.feature_dim, task.preprocessing)
    return build_backbone(
        str(config.backbone), weights=weights, arguments=config.backbone_arguments
    )


def load_network(task: Task, tensors: Mapping[str, Tensor]) -> Network:
    """The network of LEAD for the task with these tensors.

    Raises:
        WeightsError: see `filled`.
    """
    return filled(build_network(task, "none"), tensors)


def load_adapted(task: Task, tensors: Mapping[str, Tensor]) -> HeadedNetwork:
    """The network that the task's method leaves, with these tensors.

    Raises:
        WeightsError: see `filled`.
    """
    if find_method(task.config.method_name()).joint is None:
        return load_network(task, tensors)
    return filled(build_joint_network(task, "none"), tensors)


def filled(network: NetworkT, tensors: Mapping[str, Tensor]) -> NetworkT:
    """A network with these tensors.

    Raises:
        WeightsError: they do not fit the backbone, the heads or the number of classes.
    """
    expected = network.state_dict()
    wrong = sorted(
        set(expected) ^ set(tensors)
        | {k for k in set(expected) & set(tensors) if expected[k].shape != tensors[k].shape}
    )
    if wrong:
        raise WeightsError(
            f"the source checkpoint does not fit: {len(wrong)} tensors differ, the first is "
            f"{wrong[0]}; check --backbone, --freeze-backbone, --split and --setting"
        )
    network.load_state_dict(dict(tensors))
    return network
