"""Every kind of pipeline of the diffusers editor, tiny, with random weights.

The classes are the published models' own; nothing is fetched. What these edit is noise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from genmix_da.augment.diffusion.random_model import byte_tokenizer

WIDTH = 16
_CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_QWEN_TOKENS = (
    *("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
    *("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"),
)


_TRANSFORMER: dict[str, Any] = {"num_layers": 1, "attention_head_dim": 16, "num_attention_heads": 2}
_SIZES: dict[str, Any] = {"hidden_size": WIDTH, "intermediate_size": 16}
_LANGUAGE: dict[str, Any] = {**_SIZES, "num_attention_heads": 2, "num_key_value_heads": 2}
_ROPE = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10000.0}
_VAE: dict[str, Any] = {
    **{"latent_channels": 4, "layers_per_block": 1, "block_out_channels": (8, 16, 16)},
    **{"down_block_types": ("DownEncoderBlock2D",) * 3, "norm_num_groups": 4},
    **{"up_block_types": ("UpDecoderBlock2D",) * 3, "sample_size": 64},
}


def clip_text(kind: str) -> Any:
    """A CLIP text encoder, by class name."""
    import transformers

    tokenizer = byte_tokenizer()
    config = transformers.CLIPTextConfig(
        vocab_size=len(tokenizer),
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        hidden_size=WIDTH,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        projection_dim=WIDTH,
    )
    return getattr(transformers, kind)(config)


def qwen_tokenizer() -> Any:
    """A Qwen tokenizer that knows bytes and the marks of a chat."""
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import Qwen2Tokenizer

    words = [*sorted(ByteLevel.alphabet()), *_QWEN_TOKENS]
    tokenizer = Qwen2Tokenizer(
        vocab={word: number for number, word in enumerate(words)},
        merges=[],
        additional_special_tokens=list(_QWEN_TOKENS[1:]),
    )
    tokenizer.chat_template = _CHAT
    return tokenizer


def t5_tokenizer() -> Any:
    """A T5 tokenizer that knows letters."""
    from transformers import T5TokenizerFast

    letters = [(letter, -2.0) for letter in "▁abcdefghijklmnopqrstuvwxyzA"]
    vocabulary = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *letters]
    return T5TokenizerFast(vocab=vocabulary, extra_ids=0)


def latent_vae(**more: Any) -> Any:
    """An AutoencoderKL that halves the sides."""
    from diffusers import AutoencoderKL

    return AutoencoderKL(**_VAE, **more)


def unet(channels: int, **more: Any) -> Any:
    """A UNet of Stable Diffusion with the given number of input channels."""
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        in_channels=channels,
        out_channels=4,
        layers_per_block=1,
        block_out_channels=(8, 16),
        norm_num_groups=4,
        sample_size=32,
        attention_head_dim=2,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        **more,
    )


def noise_schedule(kind: str) -> Any:
    """The scheduler of Stable Diffusion, by class name, spaced as for few steps."""
    import diffusers

    return getattr(diffusers, kind)(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        timestep_spacing="trailing",
    )


def xl_parts(channels: int) -> dict[str, Any]:
    return {
        "unet": unet(
            channels,
            cross_attention_dim=2 * WIDTH,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=6 * 8 + WIDTH,
            use_linear_projection=True,
        ),
        "vae": latent_vae(),
        "text_encoder": clip_text("CLIPTextModel"),
        "text_encoder_2": clip_text("CLIPTextModelWithProjection"),
        "tokenizer": byte_tokenizer(),
        "tokenizer_2": byte_tokenizer(),
        "scheduler": noise_schedule("EulerAncestralDiscreteScheduler"),
    }


def sdxl_pix2pix() -> Any:
    from diffusers import StableDiffusionXLInstructPix2PixPipeline

    return StableDiffusionXLInstructPix2PixPipeline(**xl_parts(8), add_watermarker=False)


def sdxl_turbo() -> Any:
    from diffusers import StableDiffusionXLPipeline

    return StableDiffusionXLPipeline(**xl_parts(4), add_watermarker=False)


def sd_turbo() -> Any:
    from diffusers import StableDiffusionPipeline

    return StableDiffusionPipeline(
        unet=unet(4, cross_attention_dim=WIDTH),
        vae=latent_vae(),
        text_encoder=clip_text("CLIPTextModel"),
        tokenizer=byte_tokenizer(),
        scheduler=noise_schedule("EulerDiscreteScheduler"),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def klein(*, distilled: bool) -> Any:
    import diffusers
    from transformers import Qwen3Config, Qwen3ForCausalLM

    tokenizer = qwen_tokenizer()
    text = Qwen3Config(
        vocab_size=len(tokenizer),
        num_hidden_layers=27,  # the pipeline reads layers 9, 18 and 27
        head_dim=8,
        **_LANGUAGE,
    )
    return diffusers.Flux2KleinPipeline(
        transformer=diffusers.Flux2Transformer2DModel(
            in_channels=16,
            num_single_layers=1,
            **_TRANSFORMER,
            joint_attention_dim=3 * WIDTH,
            axes_dims_rope=(4, 4, 4, 4),
            guidance_embeds=False,
        ),
        vae=diffusers.AutoencoderKLFlux2(**_VAE),
        text_encoder=Qwen3ForCausalLM(text),
        tokenizer=tokenizer,
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
        is_distilled=distilled,
    )


def kontext() -> Any:
    import diffusers
    from transformers import T5Config, T5EncoderModel

    tokenizer = t5_tokenizer()
    text = T5Config(
        vocab_size=len(tokenizer), d_model=WIDTH, d_kv=8, d_ff=16, num_layers=2, num_heads=2
    )
    return diffusers.FluxKontextPipeline(
        transformer=diffusers.FluxTransformer2DModel(
            in_channels=16,
            num_single_layers=1,
            **_TRANSFORMER,
            joint_attention_dim=WIDTH,
            pooled_projection_dim=WIDTH,
            axes_dims_rope=(4, 4, 8),
            guidance_embeds=True,
        ),
        vae=latent_vae(shift_factor=0.1, scaling_factor=0.36),
        text_encoder=clip_text("CLIPTextModel"),
        text_encoder_2=T5EncoderModel(text),
        tokenizer=byte_tokenizer(),
        tokenizer_2=tokenizer,
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
    )


def qwen(kind: str) -> Any:
    import diffusers
    from transformers import (
        Qwen2_5_VLConfig,
        Qwen2_5_VLForConditionalGeneration,
        Qwen2VLImageProcessor,
        Qwen2VLProcessor,
    )
    from transformers.models.qwen2_vl.video_processing_qwen2_vl import Qwen2VLVideoProcessor

    tokenizer = qwen_tokenizer()
    ids = dict(zip(_QWEN_TOKENS, tokenizer.convert_tokens_to_ids(list(_QWEN_TOKENS)), strict=True))
    text = Qwen2_5_VLConfig(
        text_config={
            "vocab_size": len(tokenizer),
            "num_hidden_layers": 2,
            **_LANGUAGE,
            "bos_token_id": ids["<|endoftext|>"],
            "eos_token_id": ids["<|im_end|>"],
            "rope_parameters": _ROPE,
        },
        vision_config={"depth": 2, "num_heads": 2, "out_hidden_size": WIDTH, **_SIZES},
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
    )
    return getattr(diffusers, kind)(
        transformer=diffusers.QwenImageTransformer2DModel(
            in_channels=16,
            out_channels=4,
            **_TRANSFORMER,
            joint_attention_dim=WIDTH,
            axes_dims_rope=(4, 4, 8),
        ),
        vae=diffusers.AutoencoderKLQwenImage(
            base_dim=8,
            z_dim=4,
            dim_mult=[1, 1],
            num_res_blocks=1,
            temperal_downsample=[False],
            latents_mean=[0.0] * 4,
            latents_std=[1.0] * 4,
        ),
        text_encoder=Qwen2_5_VLForConditionalGeneration(text),
        tokenizer=tokenizer,
        processor=Qwen2VLProcessor(
            image_processor=Qwen2VLImageProcessor(),
            tokenizer=tokenizer,
            video_processor=Qwen2VLVideoProcessor(),
        ),
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
    )


BUILDERS: dict[str, Callable[[], Any]] = {
    "sdxl-pix2pix": sdxl_pix2pix,
    "sd-turbo": sd_turbo,
    "sdxl-turbo": sdxl_turbo,
    "klein": lambda: klein(distilled=False),
    "klein-distilled": lambda: klein(distilled=True),
    "kontext": kontext,
    "qwen": lambda: qwen("QwenImageEditPipeline"),
    "qwen-plus": lambda: qwen("QwenImageEditPlusPipeline"),
}


def strengthened(pipeline: Any) -> Any:
    """The pipeline with larger weights: as drawn, image and prompt would hardly show in an edit."""
    network = getattr(pipeline, "unet", None) or pipeline.transformer
    with torch.no_grad():
        for name, weights in network.named_parameters():
            if weights.ndim > 1:
                weights *= 3 if "embedder" in name else 1.5
        for weights in pipeline.vae.encoder.parameters():
            if weights.ndim > 1:
                weights *= 1.5
    return pipeline
