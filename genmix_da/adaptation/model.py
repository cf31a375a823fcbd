"""A checkpoint made ready to use: the network, its classes and inputs, its thresholds and graph."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from genmix_da.adaptation.description import (
    check_description,
    label_sets_of,
    preprocessing_of,
)
from genmix_da.adaptation.graph_step import load_memory, ordered, settle
from genmix_da.adaptation.predictions import Decisions, own_decisions
from genmix_da.config_values import AUTO, check_grey_range
from genmix_da.data.decode import DecodedDomain, decode_domain, log_skipped
from genmix_da.data.domain import Domain
from genmix_da.data.shown_views import ShownViews
from genmix_da.device import resolve_device
from genmix_da.errors import UserError
from genmix_da.frozen.encoder import OWN_WEIGHTS, BackboneChoice
from genmix_da.methods import find_method
from genmix_da.runs.folder import CHECKPOINT
from lead.backbones import Backbone, build_backbone
from lead.checkpoint import load_checkpoint
from lead.errors import WeightsError
from lead.evaluation import Evaluation, observe
from lead.graph import TargetGraph
from lead.graph_memory import GraphMemory
from lead.network import HeadedNetwork, Network, to_device
from lead.protocol import LabelSets
from lead.rejection import Rejection, reject
from lead.views import Preprocessing, Views

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Model:
    """A checkpoint, ready to use.

    Attributes:
        network: in evaluation mode, on the device.
        label_sets: its classes.
        preprocessing: of its inputs.
        description: the JSON beside the tensors.
        device: where it is.
        memory: the graph that its run left and its description, see `graph_step.load_memory`.
    """

    network: HeadedNetwork
    label_sets: LabelSets
    preprocessing: Preprocessing
    description: dict[str, Any]
    device: torch.device
    memory: tuple[GraphMemory, dict[str, Any]] | None = None

    def run(self, domain: Domain, *, strict: bool = True) -> tuple[DecodedDomain, Views]:
        """Decode a domain; views of all its readable images. See `decode_domain`."""
        pre = self.preprocessing
        domain = domain.with_grey(self._grey_choice(domain))
        decoded = decode_domain(domain, pre.resize_size, pre.interpolation, strict=strict)
        log_skipped(decoded)
        rows = np.arange(len(decoded.domain.images))
        return decoded, ShownViews(decoded.pixels, pre, self.device, rows)

    def _grey_choice(self, domain: Domain) -> str:
        """As the run read deep grey; its "auto" does not hold for values outside of what it saw."""
        found = self.description.get("grey_range_found")
        usual = domain.grey.usual if found else None
        if found is None or usual is None:
            return str(self.description.get("grey_range", AUTO))
        black, white = check_grey_range(found) or usual
        if black <= usual[0] and usual[1] <= white:
            return str(found)
        logger.warning(
            "%s: deep grey of %.9g to %.9g, outside of the run's %s; it is read in its own range",
            *(domain.name, *usual, found),
        )
        return AUTO

    def own_decisions(
        self, evaluation: Evaluation, threshold: float | str | None, *, calibrate: bool = False
    ) -> tuple[Decisions, Rejection]:
        """The network's own decisions.

        Args:
            evaluation: of all images.
            threshold: a number or a rule for these images; None: the checkpoint's own.
            calibrate: apply the rule that the checkpoint's threshold came from anew.
        """
        stored = self.description["threshold"]
        rule = self.description.get("threshold_rule", stored) if calibrate else stored
        unsure = evaluation.uncertainty.cpu().numpy()
        rejection = reject(unsure, rule if threshold is None else threshold)
        return own_decisions(evaluation, rejection.threshold, self.label_sets.open_set), rejection

    def graph_decisions(
        self, views: Views, threshold: float | str | None, *, calibrate: bool = False
    ) -> tuple[Decisions, Rejection] | None:
        """Decisions beside the graph that the checkpoint was made with; None where there is none.

        Args:
            views: of all images.
            threshold: a number or a rule for these images; None: the checkpoint's own.
            calibrate: join these images to a graph of their own and apply the rule to them, in
                place of the stored graph and threshold.
        """
        if self.memory is None:
            return None
        memory, about = self.memory
        seen = observe(self.network, views, all_views=about["views"] == "six")
        features = seen.features.numpy()
        stored: Rejection = about["rejection"]
        if calibrate:
            graph = TargetGraph(features, memory.config, self.device)
            smoothed = graph.smooth(seen.probability, seen.own_uncertainty)
        else:
            smoothed = memory.smooth(features, seen.probability, self.device, seen.own_uncertainty)
        if calibrate or threshold is not None:
            rule = stored.rule if stored.rule != "fixed" else stored.threshold
            smoothed, rejection = settle(smoothed, rule if threshold is None else threshold)
        else:
            smoothed, rejection = ordered(smoothed, stored), stored
        limit = rejection.threshold if self.label_sets.open_set else math.inf
        return Decisions(smoothed.probability, smoothed.uncertainty, limit), rejection


def load_model(
    checkpoint: Path, device: str = "auto", weights: str | None = None, *, graph: bool = True
) -> Model:
    """Load a checkpoint, or the one in a run folder.

    Args:
        checkpoint: run folder or .safetensors file.
        device: "auto", "cpu" or "cuda".
        weights: of a frozen backbone, where they have moved: a file, or a folder of transformers.
        graph: read the graph that the run left, where it did.

    Raises:
        UserError, WeightsError: missing or unreadable, or not the weights it was trained with.
    """
    path = checkpoint / CHECKPOINT if checkpoint.is_dir() else checkpoint
    if not path.is_file():
        raise UserError(f"no checkpoint {path}; give a run folder or a .safetensors file.")
    tensors, description = load_checkpoint(path)
    if description.get("stage") == "classifier":
        raise UserError(
            f"{path} is of genmix-da classify, which scores its own test images; evaluate and "
            "predict take checkpoints of genmix-da adapt."
        )
    check_description(path, description)
    where = resolve_device(device)
    try:
        sets, preprocessing = label_sets_of(description), preprocessing_of(description)
        backbone = _backbone(path, description, preprocessing.image_size, weights)
        network = _with_heads(backbone, sets.unknown, description)
        if description.get("frozen"):
            tensors |= {f"backbone.{k}": t for k, t in backbone.module.state_dict().items()}
        network.load_state_dict(tensors)
    except (KeyError, TypeError, RuntimeError) as error:
        raise WeightsError(f"{path} and its description do not fit together: {error}") from error
    ready = to_device(network, where).eval()
    memory = load_memory(path.parent) if graph and path.name == CHECKPOINT else None
    if memory is not None:
        found = (memory[0].points.shape[1], memory[0].classes)
        if found != (backbone.feature_dim, sets.unknown):
            raise WeightsError(
                f"the graph beside {path} is of {found[1]} classes and {found[0]} features, the "
                f"model of {sets.unknown} and {backbone.feature_dim}; it belongs to another run"
            )
    return Model(ready, sets, preprocessing, description, where, memory)


def _with_heads(backbone: Backbone, classes: int, description: Mapping[str, Any]) -> HeadedNetwork:
    """The network of a description, its heads still to be filled."""
    size = (backbone.module, backbone.feature_dim, classes)
    name = description.get("head")
    if name is None:
        return Network(*size, description["bottleneck_dim"])
    joint = find_method(str(name)).joint
    if joint is None:
        raise TypeError(f"{name} has no heads of its own")
    return joint.build(*size, description["head_options"])


def _backbone(
    path: Path, description: Mapping[str, Any], image_size: int, weights: str | None
) -> Backbone:
    """The checkpoint's backbone: with its weights where it is frozen, else still to be filled."""
    if not description.get("frozen"):
        if weights is not None:
            raise UserError(f"{path} holds its whole network; leave --weights out.")
        return build_backbone(
            description["backbone"], weights="none", arguments=description["backbone_arguments"]
        )
    choice = BackboneChoice(
        description["backbone"],
        weights or description["weights"],
        description["backbone_arguments"],
        description["weights_seed"],
    )
    try:
        found = choice.weights_identity
    except (UserError, WeightsError) as error:
        if weights is not None:
            raise
        # The option would be named in another sense: there is none of the backbone's name here.
        where = choice.name if choice.weights == OWN_WEIGHTS else choice.weights
        raise UserError(
            f"the frozen backbone of {path} is not at {where} any more; name it with --weights."
        ) from error
    if found != description["weights_identity"]:
        raise WeightsError(
            f"{path} was trained on features of other weights than {choice.weights}; give those "
            "with --weights"
        )
    return choice.load(image_size)
