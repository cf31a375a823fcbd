"""The networks of InstructPix2Pix, loaded as a set of switches says."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from genmix_da.augment.diffusion.deep_reuse import DeepReuse
from genmix_da.augment.diffusion.latents import LatentCoder
from genmix_da.augment.diffusion.loading import find_model, load_json, load_part
from genmix_da.errors import UserError

DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


@dataclass(frozen=True)
class Networks:
    """What an edit needs once its prompts are encoded.

    Attributes:
        unet: predicts noise.
        coder: pixels to latents and back.
        scheduler: configuration of the one that came with the model.
        dtype: of all parameters.
    """

    unet: DeepReuse
    coder: LatentCoder
    scheduler: Mapping[str, Any]
    dtype: torch.dtype


def load_networks(
    folder: Path, chosen: Mapping[str, Any], device: torch.device, *, allow_pickle: bool
) -> Networks:
    """Load UNet and VAE.

    Args:
        folder: of the pipeline.
        chosen: resolved settings of the editor.
        device: to put them on.
        allow_pickle: accept weights that are not safetensors.

    Raises:
        UserError: missing or damaged files, a UNet that does not take image latents, or a size that
            its levels do not divide.
    """
    dtype = DTYPES[chosen["precision"]]
    unet = load_part("UNet2DConditionModel", folder, "unet", dtype, allow_pickle=allow_pickle)
    vae_settings = load_json(folder / "vae" / "config.json")
    wanted = 2 * vae_settings.get("latent_channels", 4)
    if unet.config.in_channels != wanted:
        raise UserError(
            f"the UNet of {folder} takes {unet.config.in_channels} channels and not {wanted}: it "
            "was not trained to edit images."
        )
    if chosen["tiny_vae"] is None:
        vae = load_part("AutoencoderKL", folder, "vae", dtype, allow_pickle=allow_pickle)
    else:
        place = _find_tiny_vae(chosen["tiny_vae"])
        vae = load_part("AutoencoderTiny", place, "", dtype, allow_pickle=allow_pickle)
    layout = torch.channels_last if chosen["channels_last"] else torch.preserve_format
    unet = unet.to(device).to(memory_format=layout)
    vae = vae.to(device).to(memory_format=layout)
    if chosen["attention"] == "plain":
        from diffusers.models.attention_processor import AttnProcessor

        unet.set_attn_processor(AttnProcessor())
    reuse = DeepReuse(unet, chosen["reuse"])
    if chosen["compile"]:
        reuse.compile()
    scaling = float(vae_settings.get("scaling_factor", 0.18215))
    coder = LatentCoder(vae, scaling, chosen["size"], device, dtype)
    return Networks(reuse, coder, load_json(folder / "scheduler" / "scheduler_config.json"), dtype)


def _find_tiny_vae(model: str) -> Path:
    folder = find_model(model, ["config.json", "*.safetensors"])
    found = load_json(folder / "config.json").get("_class_name")
    if found != "AutoencoderTiny":
        raise UserError(f"--tiny-vae {model} holds the class {found}, not AutoencoderTiny.")
    return folder


def tiny_vae_identity(model: str) -> str:
    """SHA-256 over the files of a tiny VAE, wherever it lies."""
    digest = hashlib.sha256()
    folder = _find_tiny_vae(model)
    for file in (folder / "config.json", *sorted(folder.glob("*.safetensors"))):
        with file.open("rb") as handle:
            digest.update(hashlib.file_digest(handle, "sha256").digest())
    return digest.hexdigest()
