"""Class names as CLIP's text tower reads them: one embedding a class, for zero-shot classifiers."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from genmix_da.errors import UserError
from lead.errors import WeightsError

# The ensemble of seven that CLIP's authors name for ImageNet (Radford et al., 2021).
TEMPLATES = (
    "itap of a {}.",
    "a bad photo of the {}.",
    "a origami {}.",
    "a photo of the large {}.",
    "a {} in a video game.",
    "art of the {}.",
    "a photo of the small {}.",
)
_BATCH = 64


def spoken(name: str) -> str:
    """A class folder as words: "Alarm_Clock" -> "alarm clock"."""
    return " ".join(name.replace("_", " ").replace("-", " ").split()).lower()


@torch.no_grad()
def class_texts(folder: Path, names: Sequence[str]) -> tuple[Tensor, float]:
    """Embed class names with the text tower of the CLIP model in a folder.

    Args:
        folder: from `tower_folder`.
        names: of the classes, as their folders have them.

    Returns:
        [C, F] unit embeddings, the mean over the templates, and the scale of the cosines that CLIP
        was trained with.

    Raises:
        UserError: the model has no text tower, or no tokenizer lies beside it.
        WeightsError: its weights cannot be read, or lack tensors.
    """
    transformers: Any = import_module("transformers")
    config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
    if config.model_type != "clip":
        raise UserError(
            f"{folder} holds a {config.model_type!r} model, which reads no class names; give a "
            "CLIP with its text tower: --backbone transformers:openai/clip-vit-large-patch14-336."
        )
    # Without its files transformers makes one that knows no word.
    if not any((folder / name).is_file() for name in ("tokenizer.json", "vocab.json")):
        raise UserError(f"{folder} has no tokenizer (tokenizer.json); download the whole model.")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    try:
        model, notes = transformers.CLIPModel.from_pretrained(
            folder, local_files_only=True, output_loading_info=True
        )
    except Exception as error:  # transformers raises many kinds
        raise WeightsError(f"cannot load the text tower in {folder}: {error}") from error
    if notes["missing_keys"]:
        raise WeightsError(f"the weights in {folder} lack {sorted(notes['missing_keys'])[0]}")
    model = model.float().eval()
    texts = [template.format(spoken(name)) for name in names for template in TEMPLATES]
    parts = [texts[start : start + _BATCH] for start in range(0, len(texts), _BATCH)]
    found = torch.cat([_embed(model, tokenizer, part) for part in parts])
    mean = normalize(found, dim=1).reshape(len(names), len(TEMPLATES), -1).mean(dim=1)
    return normalize(mean, dim=1), float(model.logit_scale.exp())


def _embed(model: Any, tokenizer: Any, texts: Sequence[str]) -> Tensor:
    tokens = tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt")
    # By the layers: what get_text_features returns changed between versions.
    pooled = model.text_model(
        input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]
    ).pooler_output
    embedding: Tensor = model.text_projection(pooled)
    return embedding
