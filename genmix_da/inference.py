"""Use a finished checkpoint: score it on a labelled domain, or classify a folder of images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from genmix_da.config import AdaptConfig
from genmix_da.data import Domain, all_images, load_domain
from genmix_da.decode import DecodedDomain, decode_domain, log_skipped
from genmix_da.device import resolve_device
from genmix_da.errors import UserError
from genmix_da.frozen.encoder import OWN_WEIGHTS, BackboneChoice
from genmix_da.results import prediction_rows, write_csv
from genmix_da.runs import CHECKPOINT
from genmix_da.task import MINI_MARKER, data_root
from lead.backbones import Backbone, build_backbone
from lead.checkpoint import load_checkpoint
from lead.errors import WeightsError
from lead.evaluation import Evaluation, evaluate
from lead.network import Network, to_device
from lead.private_classes import private_nmi
from lead.protocol import LabelSets
from lead.scores import score_block
from lead.views import ImageViews, Preprocessing


@dataclass(frozen=True)
class Model:
    """A checkpoint, ready to use.

    Attributes:
        network: in evaluation mode, on the device.
        label_sets: its classes.
        preprocessing: of its inputs.
        description: the JSON beside the tensors.
        device: where it is.
    """

    network: Network
    label_sets: LabelSets
    preprocessing: Preprocessing
    description: dict[str, Any]
    device: torch.device

    def run(self, domain: Domain) -> tuple[DecodedDomain, Evaluation]:
        """Decode a domain and evaluate all its readable images."""
        pre = self.preprocessing
        decoded = decode_domain(domain, pre.resize_size, pre.interpolation)
        log_skipped(decoded)
        rows = np.arange(len(decoded.domain.images))
        views = ImageViews(decoded.pixels, pre, self.device, rows)
        return decoded, evaluate(self.network, views)


def load_model(checkpoint: Path, device: str = "auto", weights: str | None = None) -> Model:
    """Load a checkpoint, or the one in a run folder.

    Args:
        checkpoint: run folder or .safetensors file.
        device: "auto", "cpu" or "cuda".
        weights: of a frozen backbone, where they have moved: a file, or a folder of transformers.

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
    where = resolve_device(device)
    try:
        sets = LabelSets(**{name: tuple(c) for name, c in description["label_sets"].items()})
        pre = description["preprocessing"]
        preprocessing = Preprocessing(
            tuple(pre["mean"]),
            tuple(pre["std"]),
            pre["image_size"],
            pre["resize_size"],
            pre["interpolation"],
        )
        backbone = _backbone(path, description, preprocessing.image_size, weights)
        network = Network(
            backbone.module, backbone.feature_dim, sets.unknown, description["bottleneck_dim"]
        )
        if description.get("frozen"):
            tensors |= {f"backbone.{k}": t for k, t in backbone.module.state_dict().items()}
        network.load_state_dict(tensors)
    except (KeyError, TypeError, RuntimeError) as error:
        raise WeightsError(f"{path} and its description do not fit together: {error}") from error
    return Model(to_device(network, where).eval(), sets, preprocessing, description, where)


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


def evaluate_checkpoint(
    checkpoint: Path,
    *,
    tgt: str,
    data: str | None = None,
    threshold: float | None = None,
    device: str = "auto",
    weights: str | None = None,
) -> dict[str, Any]:
    """Score a checkpoint on a labelled domain, with the label sets it was made for.

    Args:
        checkpoint: run folder or .safetensors file.
        tgt: domain name or folder.
        data: folder of domains.
        threshold: on the uncertainty; None: the checkpoint's own.
        device: "auto", "cpu" or "cuda".
        weights: of a frozen backbone, where they have moved.

    Returns:
        target, images, threshold, synthetic, scores (one block).

    Raises:
        UserError: no labels, or none of its classes is known to the checkpoint.
    """
    model = load_model(checkpoint, device, weights)
    settings = AdaptConfig(src=tgt, tgt=tgt, data=data)
    root = data_root(settings)
    synthetic = (root / MINI_MARKER).is_file()
    if synthetic and not model.description["synthetic"]:
        raise UserError(f"{checkpoint} was made from real images; give their folder with --data.")
    domain = load_domain(root, tgt)
    if domain.labels is None:
        raise UserError(f"{domain.folder} has no classes to score against; use genmix-da predict.")
    decoded, evaluation = model.run(domain)
    sets = model.label_sets
    labels = [sets.target_label(name) for name in decoded.domain.labels or ()]
    used = np.array([i for i, label in enumerate(labels) if label is not None], dtype=np.int64)
    if not len(used):
        raise UserError(
            f"{domain.name} has none of the checkpoint's classes "
            f"({', '.join(sets.shared[:3])} ...)."
        )
    limit = threshold if threshold is not None else float(model.description["threshold"])
    names, private = decoded.domain.labels or (), list(sets.target_private)
    own = [private.index(names[i]) if names[i] in private else -1 for i in used]
    rows = torch.from_numpy(used).to(model.device)
    block = score_block(
        evaluation.probability[rows],
        np.array([labels[i] for i in used], dtype=np.int64),
        sets.evaluation_classes,
        open_set=sets.open_set,
        threshold=limit,
        nmi=private_nmi(evaluation.features[rows], np.array(own, dtype=np.int64)),
    )
    return {
        "checkpoint": str(checkpoint),
        "target": domain.name,
        "images": len(used),
        "threshold": limit,
        "synthetic": synthetic,
        "scores": block,
    }


def predict_folder(
    checkpoint: Path,
    folder: Path,
    out: Path,
    *,
    threshold: float | None = None,
    device: str = "auto",
    weights: str | None = None,
) -> dict[str, Any]:
    """Classify every image below a folder; rejected ones are "unknown".

    Args:
        checkpoint: run folder or .safetensors file.
        folder: images, at any depth.
        out: CSV with path, predicted class, confidence, uncertainty.
        threshold: on the uncertainty; None: the checkpoint's own. A PDA checkpoint rejects nothing.
        device: "auto", "cpu" or "cuda".
        weights: of a frozen backbone, where they have moved.

    Returns:
        images, unknown (number rejected), skipped, out.
    """
    model = load_model(checkpoint, device, weights)
    if not folder.is_dir():
        raise UserError(f"no folder {folder} with images to classify.")
    decoded, evaluation = model.run(all_images(folder))
    sets = model.label_sets
    limit = threshold if threshold is not None else float(model.description["threshold"])
    rows = prediction_rows(
        evaluation.probability, (*sets.source_classes, "unknown"), limit, sets.open_set
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    write_csv(
        out,
        ("path", "predicted", "confidence", "uncertainty"),
        [(str(p), *row) for p, row in zip(decoded.domain.images, rows, strict=True)],
    )
    return {
        "images": len(rows),
        "unknown": sum(row[0] == "unknown" for row in rows),
        "skipped": len(decoded.skipped),
        "out": str(out),
    }
