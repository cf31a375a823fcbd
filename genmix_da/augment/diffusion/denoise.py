"""The denoising loop: many images at once, each with its own prompt, scales and random numbers."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from genmix_da.augment.diffusion.deep_reuse import DeepReuse
from genmix_da.augment.diffusion.guidance import combine, image_branches, text_branches


@dataclass(frozen=True)
class Batch:
    """What is to be denoised.

    Attributes:
        images: [B, 4, h, w] image latents, as the VAE's mode gives them (not scaled).
        positive: [B, L, D] encoded prompts.
        negative: [B, L, D] encoded negative prompts.
        guidance: B text guidance scales.
        image_guidance: B image guidance scales.
        seeds: B; an image's noise is drawn from its own generator, on the CPU.
        branches: of every image, see `guidance.branch_count`.
    """

    images: Tensor
    positive: Tensor
    negative: Tensor
    guidance: Sequence[float]
    image_guidance: Sequence[float]
    seeds: Sequence[int]
    branches: int


@torch.no_grad()
def denoise(unet: DeepReuse, scheduler: Any, steps: int, batch: Batch) -> Tensor:
    """Edited latents [B, 4, h, w].

    The same arithmetic as diffusers' StableDiffusionInstructPix2PixPipeline with a list of
    generators; a test holds the two equal for every scheduler.

    Args:
        unet: predicts noise.
        scheduler: of diffusers; its state is set anew.
        steps: denoising steps.
        batch: images, conditions and seeds.
    """
    from diffusers.utils.torch_utils import randn_tensor

    device, kind = batch.images.device, batch.positive.dtype
    generators = [torch.Generator().manual_seed(seed) for seed in batch.seeds]
    scheduler.set_timesteps(steps, device=device)
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(0)  # else it searches for the first step on the device, and waits
    shape = tuple(batch.images.shape)
    noise = randn_tensor(shape, generator=generators, device=device, dtype=kind)
    latents = noise * scheduler.init_noise_sigma
    images = image_branches(batch.images, batch.branches)
    text = text_branches(batch.positive, batch.negative, batch.branches)
    scales = [
        torch.tensor(scale, device=device, dtype=torch.float32).view(-1, 1, 1, 1)
        for scale in (batch.guidance, batch.image_guidance)
    ]
    takes = inspect.signature(scheduler.step).parameters
    extra = {"generator": generators} if "generator" in takes else {}
    unet.restart()
    for step in scheduler.timesteps:
        scaled = scheduler.scale_model_input(torch.cat([latents] * batch.branches), step)
        predicted = unet(torch.cat([scaled, images], dim=1), step, text)
        guided = combine(predicted, scales[0], scales[1], batch.branches)
        latents = scheduler.step(guided, step, latents, **extra, return_dict=False)[0]
    return latents
