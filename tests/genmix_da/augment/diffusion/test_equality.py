"""Our loop against diffusers' own pipeline: the same numbers, for every scheduler."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from genmix_da.augment.diffusion.options import SCHEDULERS, EditorOptions
from genmix_da.augment.diffusion.schedulers import make_scheduler
from genmix_da.augment.editors import make_editor
from genmix_da.augment.editors.base import to_uint8
from genmix_da.augment.prompts import Style

pytest.importorskip("diffusers")

SIDE, STEPS = 64, 5
STYLES = (
    Style("comic", "comic", "into retro comic"),
    Style("chalk", "chalk", "into chalk drawing", negative="blurry"),
    Style("graffiti", "graffiti", "into graffiti"),
)
SEEDS = (11, 22, 33)


@pytest.fixture(scope="module")
def stock(tiny_pix2pix: Path) -> Callable[..., np.ndarray]:
    """The stock pipeline, called with a scheduler's name."""
    from diffusers import StableDiffusionInstructPix2PixPipeline

    pipeline = StableDiffusionInstructPix2PixPipeline.from_pretrained(
        tiny_pix2pix, safety_checker=None, local_files_only=True
    )
    pipeline.set_progress_bar_config(disable=True)
    own = pipeline.scheduler.config

    def call(images: list[np.ndarray], scheduler: str, numbers: list[int], **more: Any) -> Any:
        pipeline.scheduler = make_scheduler(scheduler, own, STEPS)
        settings = {"guidance_scale": 4.0, "image_guidance_scale": 1.5} | more
        return pipeline(
            prompt=[STYLES[n].text for n in numbers],
            negative_prompt=[STYLES[n].negative for n in numbers],
            image=[Image.fromarray(image) for image in images],
            num_inference_steps=STEPS,
            generator=[torch.Generator().manual_seed(SEEDS[n]) for n in numbers],
            output_type="np",
            **settings,
        ).images

    return call


@pytest.fixture
def images(picture: Callable[..., np.ndarray]) -> list[np.ndarray]:
    return [picture(n, SIDE, SIDE) for n in range(3)]


def ours(folder: Path, images: list[np.ndarray], numbers: list[int], **options: Any) -> np.ndarray:
    options = {"steps": STEPS, "size": SIDE, "batch": len(images)} | options
    editor = make_editor(f"instruct-pix2pix:{folder}", EditorOptions(**options), device="cpu")
    return np.stack(editor.edit(images, [STYLES[n] for n in numbers], [SEEDS[n] for n in numbers]))


# In [0, 1]. One image gives the same bits; a batch is rounded otherwise, as its matrices have
# other sizes, and ddim alone carries that through its steps: 1.2e-5 was seen without AVX-512.
BOUND, DDIM_BATCH = 1e-5, 2e-5


def assert_equal(first: np.ndarray, second: np.ndarray, bound: float = BOUND) -> None:
    assert first.shape == second.shape
    assert np.abs(first - second).max() <= bound
    levels = to_uint8(first).astype(int) - to_uint8(second).astype(int)
    assert np.abs(levels).max() <= 1


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_a_batch_equals_the_stock_pipeline(
    scheduler: str, tiny_pix2pix: Path, stock: Callable, images: list[np.ndarray]
) -> None:
    expected = stock(images, scheduler, [0, 1, 2])
    bound = DDIM_BATCH if scheduler == "ddim" else BOUND
    assert_equal(ours(tiny_pix2pix, images, [0, 1, 2], scheduler=scheduler), expected, bound)


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_one_image_equals_the_stock_pipeline(
    scheduler: str, tiny_pix2pix: Path, stock: Callable, images: list[np.ndarray]
) -> None:
    expected = stock(images[1:2], scheduler, [1])
    assert_equal(ours(tiny_pix2pix, images[1:2], [1], scheduler=scheduler), expected)


@pytest.mark.parametrize(
    ("guidance", "image_guidance"), [(4.0, 1.0), (1.0, 1.5), (1.0, 1.0), (7.3, 2.1)]
)
def test_fewer_branches_give_the_same(
    guidance: float,
    image_guidance: float,
    tiny_pix2pix: Path,
    stock: Callable,
    images: list[np.ndarray],
) -> None:
    expected = stock(
        images, "euler-a", [0, 1, 2], guidance_scale=guidance, image_guidance_scale=image_guidance
    )
    scales = {"guidance": guidance, "image_guidance": image_guidance}
    assert_equal(ours(tiny_pix2pix, images, [0, 1, 2], **scales), expected)


def test_the_schedulers_differ(tiny_pix2pix: Path, images: list[np.ndarray]) -> None:
    results = [ours(tiny_pix2pix, images[:1], [0], scheduler=name) for name in SCHEDULERS]
    for number, first in enumerate(results):
        for second in results[number + 1 :]:
            assert np.abs(first - second).max() > 1e-3


def test_edits_are_not_constant(tiny_pix2pix: Path, images: list[np.ndarray]) -> None:
    result = ours(tiny_pix2pix, images, [0, 1, 2])
    assert result.std() > 0.02
    assert not np.allclose(result[0], result[1], atol=0.02)
