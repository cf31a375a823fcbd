"""Weights for a frozen backbone, and tiny models of the transformers library."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

SMALL = "timm:test_efficientnet"
SIDE = 32


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of weights: random, but the same wherever they are loaded."""
    import timm

    torch.manual_seed(5)
    state = timm.create_model("test_efficientnet", num_classes=0).state_dict()
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    save_file({key: tensor.contiguous() for key, tensor in state.items()}, path)
    return path


@pytest.fixture(scope="session")
def frozen_options(weights: Path) -> tuple[object, ...]:
    """What turns the tiny adaptation into one with a frozen backbone that learns something."""
    return (
        *("--freeze-backbone", "--weights", weights, "--split", "3/1/2"),
        *("--source-lr", "0.3", "--source-epochs", "12", "--threshold", "0.9"),
        *("--lr", "0.01", "--cluster-estimator", "features"),
    )


@pytest.fixture(scope="session")
def frozen_run(adapt_once: Callable, frozen_options: tuple[object, ...]) -> Any:
    """A finished run with a frozen backbone."""
    return adapt_once(*frozen_options)


def _small(**more: Any) -> dict[str, Any]:
    shape = {"num_hidden_layers": 1, "num_attention_heads": 2, "hidden_size": 16}
    return shape | {"intermediate_size": 24, "patch_size": 8, "image_size": SIDE} | more


def make_tower(kind: str, folder: Path) -> Path:
    """Save a tiny random model of a family with its image processor.

    Args:
        kind: "dinov2", "dinov3", "clip" (with its text tower), "clip-vision" or "siglip".
        folder: to write.
    """
    import transformers as t

    torch.manual_seed(3)
    text = {"vocab_size": 20, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    text |= {"intermediate_size": 24}
    crop = {"size": {"shortest_edge": 36}, "crop_size": {"height": SIDE, "width": SIDE}}
    square = {"size": {"height": SIDE, "width": SIDE}}
    model: Any
    if kind == "dinov2":
        model = t.Dinov2Model(t.Dinov2Config(**_small(mlp_ratio=2)))
        processor = t.BitImageProcessor(**crop, image_mean=(0.4, 0.5, 0.6))
    elif kind == "dinov3":
        model = t.DINOv3ViTModel(t.DINOv3ViTConfig(**_small(num_register_tokens=2)))
        processor = t.DINOv3ViTImageProcessor(**square)
    elif kind == "clip":
        both = t.CLIPConfig(
            text_config=text, vision_config=_small(projection_dim=12), projection_dim=12
        )
        model, processor = t.CLIPModel(both), t.CLIPImageProcessor(**crop)
    elif kind == "clip-vision":
        config = t.CLIPVisionConfig(**_small(projection_dim=12))
        model, processor = t.CLIPVisionModelWithProjection(config), t.CLIPImageProcessor(**crop)
    else:
        model = t.SiglipModel(t.SiglipConfig(text_config=text, vision_config=_small()))
        processor = t.SiglipImageProcessor(**square)
    model.eval().save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tower(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Folder of a tiny model by family; each is made once."""
    made: dict[str, Path] = {}

    def get(kind: str) -> Path:
        if kind not in made:
            made[kind] = make_tower(kind, tmp_path_factory.mktemp(kind) / "model")
        return made[kind]

    return get
