"""Image towers of the transformers library: DINOv2, DINOv3, CLIP and SigLIP, as backbones.

Named `transformers:NAME_OR_DIR`, a model of the hub or a local folder. What counts as the feature
is what each family's authors use: the class token after the last norm (DINOv2, DINOv3), the
projected embedding (CLIP), the attention-pooled one (SigLIP). Mean, std, size, crop and
interpolation come from the folder's image processor; images are resized to a square first, as
everywhere in this toolkit. A model with a tensor that is not in the file is refused: it would be
random.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from genmix_da.errors import UserError
from lead.backbones import Backbone
from lead.checkpoint import weights_identity
from lead.errors import WeightsError
from lead.views import Preprocessing

PREFIX = "transformers:"
_FILES = ("*.json", "*.safetensors")
_INTERPOLATIONS = {2: "bilinear", 3: "bicubic"}
# Type in config.json -> (class of the image tower, its output that is the feature).
_CLS, _CLIP, _SIGLIP = (
    ("AutoModel", "pooler_output"),
    ("CLIPVisionModelWithProjection", "image_embeds"),
    ("SiglipVisionModel", "pooler_output"),
)
_FAMILIES = {
    **dict.fromkeys(("dinov2", "dinov2_with_registers", "dinov3_vit", "dinov3_convnext"), _CLS),
    **dict.fromkeys(("clip", "clip_vision_model"), _CLIP),
    **dict.fromkeys(("siglip", "siglip_vision_model"), _SIGLIP),
}


class Tower(nn.Module):
    """Images [B, 3, H, W] -> features [B, F].

    Args:
        model: of transformers.
        output: the name of its output that is the feature.
        resizes: whether it is to interpolate its position embeddings, for another image size.
    """

    def __init__(self, model: Any, output: str, *, resizes: bool) -> None:
        super().__init__()
        self.model = model
        self._output = output
        self._options = {"interpolate_pos_encoding": True} if resizes else {}

    def forward(self, images: Tensor) -> Tensor:
        """See the class."""
        features: Tensor = getattr(self.model(pixel_values=images, **self._options), self._output)
        return features


def tower_folder(named: str) -> Path:
    """The folder that holds a model: the one named, or the hub's copy on this machine.

    What is there already is used without asking the hub.

    Raises:
        UserError: neither here nor to be fetched.
    """
    if Path(named).is_dir():
        return Path(named)
    _import_transformers()
    from huggingface_hub import snapshot_download

    for offline in (True, False):
        try:
            found = Path(
                snapshot_download(named, allow_patterns=list(_FILES), local_files_only=offline)
            )
        except Exception as error:  # the hub's client raises many kinds
            if not offline:
                raise UserError(
                    f"the model {named!r} is not on this machine and could not be fetched; "
                    f"download it elsewhere and name its folder: --backbone {PREFIX}DIR."
                ) from error
        else:
            if any(found.glob("*.safetensors")) or not offline:
                return found
    raise AssertionError("unreachable")


def tower_identity(folder: Path) -> str:
    """SHA-256 over configuration, image processor and weights, wherever they lie."""
    digest = hashlib.sha256()
    named = {file for pattern in (*_FILES, "*.bin") for file in folder.glob(pattern)}
    for file in sorted(named, key=lambda file: file.name):
        digest.update(f"{file.name}/{weights_identity(str(file))}\n".encode())
    return digest.hexdigest()


def tower_outline(folder: Path) -> tuple[int, Preprocessing]:
    """Feature width F and preprocessing, from the configuration alone.

    Raises:
        UserError: no model, or one of a family that is not known here.
    """
    config, preprocessing = _read(folder)
    if config.model_type == "clip_vision_model":
        return int(config.projection_dim), preprocessing
    widths = getattr(config, "hidden_sizes", None)
    return int(widths[-1] if widths else config.hidden_size), preprocessing


def load_tower(folder: Path, image_size: int) -> Backbone:
    """The image tower in a folder, with its weights, in float32.

    Args:
        folder: from `tower_folder`.
        image_size: side of its input in pixels.

    Raises:
        UserError, WeightsError: see `tower_outline`; weights missing, damaged or incomplete.
    """
    transformers = _import_transformers()
    feature_dim, preprocessing = tower_outline(folder)
    config, _ = _read(folder)
    name, output = _FAMILIES[config.model_type]
    smallest = getattr(config, "patch_size", 1)
    if image_size < smallest:
        raise UserError(f"--image-size {image_size} is below one patch of {smallest} pixels.")
    try:
        model, notes = getattr(transformers, name).from_pretrained(
            folder, config=config, local_files_only=True, output_loading_info=True
        )
    except Exception as error:  # transformers and safetensors raise many kinds
        raise WeightsError(f"cannot load the model in {folder}: {error}") from error
    if notes["missing_keys"]:
        raise WeightsError(
            f"the weights in {folder} lack {len(notes['missing_keys'])} tensors, the first is "
            f"{sorted(notes['missing_keys'])[0]}"
        )
    resizes = name != "AutoModel" and image_size != config.image_size
    return Backbone(
        Tower(model.float(), output, resizes=resizes).eval(), feature_dim, preprocessing
    )


def _import_transformers() -> Any:
    try:
        import transformers
    except ImportError as error:
        raise UserError(
            f"--backbone {PREFIX}... needs transformers; pip install 'genmix-da[features]', or use "
            "timm:NAME."
        ) from error
    return transformers


def _read(folder: Path) -> tuple[Any, Preprocessing]:
    """(configuration of the image tower, preprocessing)."""
    transformers = _import_transformers()
    try:
        config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
        processor = transformers.AutoImageProcessor.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # transformers raises many kinds
        raise UserError(
            f"{folder} holds no model of transformers with its image processor (config.json, "
            f"preprocessor_config.json): {str(error).splitlines()[0]}"
        ) from error
    if config.model_type not in _FAMILIES:
        raise UserError(
            f"{folder} holds a {config.model_type!r} model; known are {', '.join(_FAMILIES)}."
        )
    return getattr(config, "vision_config", config), _preprocessing(processor.to_dict())


def _preprocessing(values: dict[str, Any]) -> Preprocessing:
    """What an image processor does, but for its resizing to the shorter side."""
    resize_size = _side(values["size"])
    image_size = _side(values["crop_size"]) if values.get("do_center_crop") else resize_size
    plain = not values.get("do_normalize", True)
    mean = (0.0, 0.0, 0.0) if plain else tuple(values["image_mean"])
    std = (1.0, 1.0, 1.0) if plain else tuple(values["image_std"])
    interpolation = _INTERPOLATIONS.get(int(values.get("resample") or 3), "bicubic")
    return Preprocessing(mean, std, image_size, max(resize_size, image_size), interpolation)


def _side(size: Any) -> int:
    """Pixels of {"shortest_edge": S}, {"height": S, ...} or S."""
    if isinstance(size, dict):
        size = size.get("shortest_edge") or size["height"]
    return int(size)
