"""Kinds of editing pipelines. Adding one is a file with a `Family` and an entry in FAMILIES."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genmix_da.augment.diffusion.folder import PIX2PIX_CLASS
from genmix_da.augment.editors.families.base import Family
from genmix_da.augment.editors.families.flux2_klein import FLUX2_KLEIN
from genmix_da.augment.editors.families.flux_kontext import FLUX_KONTEXT
from genmix_da.augment.editors.families.image_to_image import (
    SD_IMAGE_TO_IMAGE,
    SDXL_IMAGE_TO_IMAGE,
)
from genmix_da.augment.editors.families.qwen_edit import QWEN_EDIT, QWEN_EDIT_PLUS
from genmix_da.augment.editors.families.sdxl_pix2pix import SDXL_PIX2PIX
from genmix_da.errors import UserError

# Class that model_index.json names -> how it is used.
FAMILIES: Mapping[str, Family] = {
    "StableDiffusionXLInstructPix2PixPipeline": SDXL_PIX2PIX,
    "Flux2KleinPipeline": FLUX2_KLEIN,
    "FluxKontextPipeline": FLUX_KONTEXT,
    "QwenImageEditPipeline": QWEN_EDIT,
    "QwenImageEditPlusPipeline": QWEN_EDIT_PLUS,
    "StableDiffusionPipeline": SD_IMAGE_TO_IMAGE,
    "StableDiffusionImg2ImgPipeline": SD_IMAGE_TO_IMAGE,
    "StableDiffusionXLPipeline": SDXL_IMAGE_TO_IMAGE,
    "StableDiffusionXLImg2ImgPipeline": SDXL_IMAGE_TO_IMAGE,
}

__all__ = ["FAMILIES", "Family", "family_of"]


def family_of(index: Mapping[str, Any], model: str) -> Family:
    """The family of a model.

    Args:
        index: content of its model_index.json.
        model: as the user named it.

    Raises:
        UserError: a pipeline of another kind; the known ones are listed.
    """
    found = index["_class_name"]
    if found == PIX2PIX_CLASS:
        raise UserError(f"{model} holds a {found}; use --editor instruct-pix2pix:{model}.")
    if found not in FAMILIES:
        raise UserError(
            f"{model} holds a {found}, which the diffusers editor does not know; it knows "
            f"{', '.join(FAMILIES)}."
        )
    family = FAMILIES[found]
    for flag, other in family.flagged.items():
        if index.get(flag):
            return other
    return family
