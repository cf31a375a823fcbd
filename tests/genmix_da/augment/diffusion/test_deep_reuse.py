"""Reuse of deep features: exact where nothing is reused, and where the features are this step's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from genmix_da.augment.diffusion.deep_reuse import DeepReuse
from genmix_da.augment.diffusion.options import EditorOptions
from genmix_da.augment.diffusion.random_model import random_components
from genmix_da.augment.editors import make_editor
from genmix_da.augment.prompts import Style

pytest.importorskip("diffusers")
STYLE = Style("comic", "comic", "into retro comic")


@pytest.fixture(scope="module")
def unet() -> torch.nn.Module:
    return random_components("tiny")["unet"].requires_grad_(False)


def inputs(seed: int, count: int = 2) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(seed)
    sample = torch.randn(count, 8, 16, 16, generator=draw)
    return sample, torch.tensor(500 + seed), torch.randn(count, 77, 16, generator=draw)


def whole(unet: torch.nn.Module, arguments: tuple[torch.Tensor, ...]) -> torch.Tensor:
    sample, step, text = arguments
    return unet(sample, step, encoder_hidden_states=text, return_dict=False)[0]


def test_a_shallow_run_on_its_own_features_is_the_whole_run(unet: torch.nn.Module) -> None:
    reuse = DeepReuse(unet, 2)
    for seed in (1, 2):
        reuse.restart()
        arguments = inputs(seed)
        expected = reuse(*arguments)
        torch.testing.assert_close(expected, whole(unet, arguments), rtol=0, atol=0)
        torch.testing.assert_close(reuse.shallow(*arguments), expected, rtol=0, atol=1e-6)


def test_every_nth_call_is_whole_and_the_others_are_not(unet: torch.nn.Module) -> None:
    reuse = DeepReuse(unet, 3)
    for round_ in range(2):
        reuse.restart()
        for call in range(7):
            arguments = inputs(10 * round_ + call)
            same = torch.allclose(reuse(*arguments), whole(unet, arguments), atol=1e-6)
            # The reference call above is a whole run too, and its hook keeps its own features;
            # only the call's own result is looked at.
            assert same == (call % 3 == 0), call


def test_shallow_runs_follow_their_own_input(unet: torch.nn.Module) -> None:
    reuse = DeepReuse(unet, 4)
    reuse(*inputs(1))
    first, second = reuse(*inputs(2)), reuse(*inputs(3))
    assert not torch.allclose(first, second, atol=1e-4)


def test_restart_forgets(unet: torch.nn.Module) -> None:
    reuse = DeepReuse(unet, 5)
    reuse(*inputs(1, count=3))
    reuse.restart()
    arguments = inputs(2, count=1)  # another batch size: kept features would not fit
    torch.testing.assert_close(reuse(*arguments), whole(unet, arguments), rtol=0, atol=0)


def edits(folder: Path, images: list[np.ndarray], **options: object) -> np.ndarray:
    chosen = EditorOptions(steps=6, size=64, batch=2, **options)  # type: ignore[arg-type]
    editor = make_editor(f"instruct-pix2pix:{folder}", chosen, device="cpu")
    first = editor.edit(images, [STYLE] * 2, [1, 2])
    # A second batch finds the object as the first left it.
    second = editor.edit(images, [STYLE] * 2, [1, 2])
    assert np.array_equal(np.stack(first), np.stack(second))
    return np.stack(first)


def test_interval_one_is_exact_and_others_come_near(
    tiny_pix2pix: Path, picture: Callable[..., np.ndarray]
) -> None:
    images = [picture(n, 64, 64) for n in range(2)]
    exact = edits(tiny_pix2pix, images)
    assert np.array_equal(edits(tiny_pix2pix, images, reuse=1), exact)
    reused = np.abs(edits(tiny_pix2pix, images, reuse=2) - exact)
    assert 1e-4 < reused.mean() < 0.5 * exact.std()
