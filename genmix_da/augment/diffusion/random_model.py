"""InstructPix2Pix from its configuration, with random weights: for benchmarks and tests.

Speed does not depend on the weights, and equality of two implementations does not either. Its
edits are noise: nothing made with it is evidence of what GenMix does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

SIZES = ("tiny", "full")

_FULL: dict[str, dict[str, Any]] = {
    "unet": {"block_out_channels": (320, 640, 1280, 1280), "cross_attention_dim": 768}
    | {"attention_head_dim": 8, "norm_num_groups": 32, "sample_size": 64},
    "vae": {"block_out_channels": (128, 256, 512, 512), "norm_num_groups": 32, "sample_size": 512},
    "text": {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12}
    | {"num_attention_heads": 12, "projection_dim": 768, "max_position_embeddings": 77},
}
_TINY: dict[str, dict[str, Any]] = {
    "unet": {"block_out_channels": (16, 32, 32), "cross_attention_dim": 16}
    | {"attention_head_dim": 2, "norm_num_groups": 8, "sample_size": 32},
    "vae": {"block_out_channels": (8, 16, 16), "norm_num_groups": 4, "sample_size": 64},
    "text": {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2}
    | {"num_attention_heads": 2, "projection_dim": 16, "max_position_embeddings": 77},
}


def random_components(size: str, *, seed: int = 0) -> dict[str, Any]:
    """UNet, VAE, text encoder, tokenizer and scheduler of the real classes, in evaluation mode.

    Args:
        size: "full" (Stable Diffusion 1.5 with 8 input channels) or "tiny".
        seed: of the weights; torch's own random state is left as it was.
    """
    import diffusers
    from transformers import CLIPTextConfig, CLIPTextModel

    models: Any = diffusers  # its classes have no annotations
    shape = {"full": _FULL, "tiny": _TINY}[size]
    depth, vae_depth = (
        len(shape["unet"]["block_out_channels"]),
        len(shape["vae"]["block_out_channels"]),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        unet = models.UNet2DConditionModel(
            in_channels=8,
            out_channels=4,
            layers_per_block=2,
            down_block_types=("CrossAttnDownBlock2D",) * (depth - 1) + ("DownBlock2D",),
            up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * (depth - 1),
            **shape["unet"],
        )
        vae = models.AutoencoderKL(
            in_channels=3,
            out_channels=3,
            latent_channels=4,
            layers_per_block=2,
            down_block_types=("DownEncoderBlock2D",) * vae_depth,
            up_block_types=("UpDecoderBlock2D",) * vae_depth,
            **shape["vae"],
        )
        tokenizer = byte_tokenizer()
        text = CLIPTextConfig(
            vocab_size=len(tokenizer),
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            **shape["text"],
        )
        text_encoder: Any = CLIPTextModel(text)
    scheduler = models.EulerAncestralDiscreteScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        num_train_timesteps=1000,
        steps_offset=1,
        timestep_spacing="leading",
        prediction_type="epsilon",
    )
    return {
        "unet": unet.eval(),
        "vae": vae.eval(),
        "text_encoder": text_encoder.eval(),
        "tokenizer": tokenizer,
        "scheduler": scheduler,
    }


def byte_tokenizer() -> Any:
    """A CLIP tokenizer that knows single bytes only, made without any file of the hub."""
    from transformers import CLIPTokenizer

    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    spare = [byte for byte in range(256) if byte not in printable]
    symbols = [chr(byte) for byte in printable] + [chr(256 + n) for n in range(len(spare))]
    words = [*symbols, *(symbol + "</w>" for symbol in symbols), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {word: number for number, word in enumerate(words)}
    return CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=77)


def save_random_model(folder: Path, size: str = "tiny", *, seed: int = 0) -> Path:
    """A pipeline folder as a download would leave it, with random weights.

    Args:
        folder: to make.
        size: "tiny" or "full" (about 4 GB).
        seed: of the weights.
    """
    import diffusers

    models: Any = diffusers  # its classes have no annotations
    pipeline = models.StableDiffusionInstructPix2PixPipeline(
        **random_components(size, seed=seed),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder)
    return folder
