"""From a checkpoint to a model: its description is checked, its network built and filled."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from genmix_da.adaptation.graph_step import load_memory
from genmix_da.device import resolve_device
from genmix_da.errors import UserError
from genmix_da.frozen.encoder import OWN_WEIGHTS, BackboneChoice
from genmix_da.methods import find_method
from genmix_da.places import place_name
from genmix_da.runs.folder import CHECKPOINT
from genmix_da.use.description import (
    CLASSIFIER,
    check_description,
    label_sets_of,
    preprocessing_of,
)
from genmix_da.use.hub import located
from genmix_da.use.model import Model
from lead.backbones import Backbone, build_backbone
from lead.checkpoint import load_checkpoint
from lead.errors import WeightsError
from lead.network import HeadedNetwork, Network, to_device


class Classifier(HeadedNetwork):
    """Backbone and one linear layer, as `genmix_da.classify` trains them; its outputs are logits.

    Args:
        backbone: images [B, 3, H, W] -> features [B, F].
        feature_dim: F.
        class_count: C.
    """

    def __init__(self, backbone: nn.Module, feature_dim: int, class_count: int) -> None:
        super().__init__(backbone)
        self.head = nn.Linear(feature_dim, class_count)

    def outputs(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features [B, F] -> (the same, logits [B, C])."""
        return features, self.head(features)


def load_model(
    checkpoint: str | Path, device: str = "auto", weights: str | None = None, *, graph: bool = True
) -> Model:
    """Load a checkpoint of an adaptation, a source model or a classifier.

    Args:
        checkpoint: run folder, .safetensors file, or "hub:OWNER/NAME".
        device: "auto", "cpu" or "cuda".
        weights: of a frozen backbone, where they have moved: a file, or a folder of transformers.
        graph: read the graph that the run left, where it did.

    Raises:
        UserError, WeightsError: missing, unreadable or no checkpoint, or not the weights it was
            trained with.
    """
    place = located(checkpoint)
    path = place / CHECKPOINT if place.is_dir() else place
    if not path.is_file():
        name = place_name(path)
        raise UserError(f"no checkpoint {name}; give a run folder or a .safetensors file.")
    if path.suffix != Path(CHECKPOINT).suffix:
        raise UserError(f"{path} is no checkpoint; give a run folder or a .safetensors file.")
    tensors, description = load_checkpoint(path)
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
    if description.get("stage") == CLASSIFIER:
        return Classifier(*size)
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
