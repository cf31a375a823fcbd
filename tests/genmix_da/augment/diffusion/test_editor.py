"""What an edit depends on, what is computed once, and the switches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from genmix_da.augment.diffusion import networks, text
from genmix_da.augment.diffusion.latents import LatentCoder
from genmix_da.augment.diffusion.options import FAST, EditorOptions, build_options
from genmix_da.augment.editors import make_editor
from genmix_da.augment.editors.base import to_uint8
from genmix_da.augment.editors.instruct_pix2pix import InstructPix2PixEditor
from genmix_da.augment.prompts import Style
from genmix_da.errors import UserError

pytest.importorskip("diffusers")

STYLES = (
    Style("comic", "comic", "into retro comic"),
    Style("chalk", "chalk", "into chalk drawing", negative="blurry"),
    Style("plain", "plain", "into graffiti", guidance=1.0),
    Style("two", "two", "into digital art", image_guidance=1.0),
)


def make(folder: Path, **options: Any) -> Any:
    chosen = EditorOptions(**{"steps": 3, "size": 64} | options)
    return make_editor(f"instruct-pix2pix:{folder}", chosen, device="cpu")


def levels(first: np.ndarray, second: np.ndarray) -> int:
    return int(np.abs(to_uint8(first).astype(int) - to_uint8(second).astype(int)).max())


@pytest.fixture
def images(picture: Callable[..., np.ndarray]) -> list[np.ndarray]:
    return [picture(n, 64, 64) for n in range(4)]


def test_neighbours_do_not_matter(tiny_pix2pix: Path, images: list[np.ndarray]) -> None:
    seeds = [5, 6, 7, 8]
    together = make(tiny_pix2pix, batch=4).edit(images, STYLES, seeds)
    alone = make(tiny_pix2pix)
    for number in range(4):
        one = alone.edit(
            images[number : number + 1], STYLES[number : number + 1], seeds[number:][:1]
        )
        assert levels(one[0], together[number]) <= 1
        assert np.abs(one[0] - together[number]).max() < 1e-4


def test_scales_and_negative_prompts_of_a_style_are_its_own(
    tiny_pix2pix: Path, images: list[np.ndarray]
) -> None:
    editor, image = make(tiny_pix2pix, batch=4), images[0]
    same = Style("same", "same", STYLES[0].text)
    other = [
        Style("negative", "x", same.text, negative="blurry"),
        Style("guidance", "x", same.text, guidance=9.0),
        Style("image", "x", same.text, image_guidance=3.0),
    ]
    results = editor.edit([image] * 4, [same, *other], [1] * 4)
    for result in results[1:]:
        assert levels(result, results[0]) > 2


def test_prompts_and_images_are_encoded_once(
    tiny_pix2pix: Path, images: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: Counter[str] = Counter()
    load_part = text.load_part

    def counted(kind: str, *arguments: Any, **more: Any) -> Any:
        loads[kind] += 1
        return load_part(kind, *arguments, **more)

    monkeypatch.setattr(text, "load_part", counted)
    monkeypatch.setattr(networks, "load_part", counted)
    editor = make(tiny_pix2pix)
    editor.check(STYLES)
    assert not loads  # nothing is loaded before the first edit
    editor.edit(images[:1], STYLES[:1], [1])
    vae, encoded = editor._networks.coder._vae, []
    encode = vae.encode
    monkeypatch.setattr(vae, "encode", lambda x: encoded.append(len(x)) or encode(x))
    for style in STYLES:
        editor.edit(images[:1], [style], [1])
    assert not encoded  # the first image was encoded before the spy, and never again
    editor.edit(images[1:2], STYLES[:1], [1])
    assert encoded == [1]
    assert loads == {"UNet2DConditionModel": 1, "AutoencoderKL": 1, "CLIPTextModel": 1}


def test_any_shape_and_kind_of_image_is_edited(
    tiny_pix2pix: Path, picture: Callable[..., np.ndarray]
) -> None:
    shapes = [(33, 17), (200, 80), (64, 64), (1, 1)]
    pictures = [picture(n, *shape) for n, shape in enumerate(shapes)]
    results = make(tiny_pix2pix, batch=4).edit(pictures, STYLES[:1] * 4, range(4))
    for result in results:
        assert result.shape == (64, 64, 3)
        assert result.dtype == np.float32
        assert 0 <= result.min() <= result.max() <= 1


def test_non_finite_results_reach_the_caller(
    tiny_pix2pix: Path, images: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = make(tiny_pix2pix)
    decode = LatentCoder.decode
    monkeypatch.setattr(LatentCoder, "decode", lambda self, x: decode(self, x * float("nan")))
    assert np.isnan(editor.edit(images[:1], STYLES[:1], [1])[0]).all()


def switched(folder: Path, images: list[np.ndarray], **options: Any) -> np.ndarray:
    return np.stack(make(folder, batch=2, **options).edit(images[:2], STYLES[:2], [1, 2]))


@pytest.mark.parametrize(
    ("options", "bound"),
    [
        ({"channels_last": True}, 1e-4),
        ({"attention": "plain"}, 1e-4),
        ({"precision": "bf16"}, 0.1),
    ],
)
def test_switches_that_only_round(
    options: dict[str, Any], bound: float, tiny_pix2pix: Path, images: list[np.ndarray]
) -> None:
    exact = switched(tiny_pix2pix, images)
    assert np.abs(switched(tiny_pix2pix, images, **options) - exact).max() < bound


def test_a_tiny_vae_decodes_scaled_latents(
    tiny_pix2pix: Path, images: list[np.ndarray], tmp_path: Path
) -> None:
    from diffusers import AutoencoderTiny

    torch.manual_seed(0)
    vae = AutoencoderTiny(
        encoder_block_out_channels=(8, 8),
        decoder_block_out_channels=(8, 8),
        num_encoder_blocks=(1, 1),
        num_decoder_blocks=(1, 1),
    )
    vae.save_pretrained(tmp_path / "taesd")
    editor = make(tiny_pix2pix, tiny_vae=str(tmp_path / "taesd"))
    result = editor.edit(images[:1], STYLES[:1], [1])[0]
    assert result.shape == (64, 64, 3)
    assert levels(result, make(tiny_pix2pix).edit(images[:1], STYLES[:1], [1])[0]) > 2
    assert editor.settings["tiny_vae"] != str(tmp_path / "taesd")  # by content, not by place
    pixels = torch.from_numpy(images[0][None]).permute(0, 3, 1, 2).float() / 127.5 - 1
    # The UNet's image condition is not scaled; a tiny VAE's latents are.
    latents = vae.encode(pixels).latents / 0.18215
    torch.testing.assert_close(editor._networks.coder.encode(images[:1]), latents)


def test_settings_hold_what_decides_results(tiny_pix2pix: Path, tmp_path: Path) -> None:
    settings = dict(make(tiny_pix2pix).settings)
    assert (settings["steps"], settings["guidance"], settings["image_guidance"]) == (3, 4.0, 1.5)
    assert "batch" not in settings  # rounding only, in fp32
    assert make(tiny_pix2pix, precision="bf16", batch=8).settings["batch"] == 8
    assert make(tiny_pix2pix, precision="bf16").settings["batch"] is None
    moved = tmp_path / "moved"
    moved.symlink_to(tiny_pix2pix)
    assert dict(make(moved).settings) == settings


def test_published_settings_are_the_default(tiny_pix2pix: Path) -> None:
    editor = make_editor(f"instruct-pix2pix:{tiny_pix2pix}", device="cpu")
    expected = {"steps": 100, "scheduler": "euler-a", "size": 512, "reuse": 1, "guidance": 4.0}
    assert expected.items() <= dict(editor.settings).items()
    fast = editor.faster()
    assert fast is not None
    assert FAST.items() <= dict(fast.settings).items()
    assert fast.faster() is None


def test_given_values_win_over_fast() -> None:
    assert EditorOptions(fast=True, steps=7).given() == {**FAST, "steps": 7}


def test_estimate_grows_with_the_steps(tiny_pix2pix: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert make(tiny_pix2pix, steps=4).seconds_per_edit() > 0  # of this machine, as it is now
    # 0.2 s an edit and 0.05 s a step of it.
    monkeypatch.setattr(InstructPix2PixEditor, "_timed", lambda _, steps: 0.2 + 0.05 * steps)
    few, many = (make(tiny_pix2pix, steps=n).seconds_per_edit() for n in (4, 400))
    assert (few, many) == (pytest.approx(0.4), pytest.approx(20.2))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"stepz": 3}, "did you mean 'steps'"),
        ({"steps": 0}, "at least 1"),
        ({"steps": 2.5}, "whole number"),
        ({"steps": True}, "cannot be True"),
        ({"size": 100}, "multiple of 8"),
        ({"guidance": 0.5}, "1 or more"),
        ({"image_guidance": float("nan")}, "1 or more"),
        ({"scheduler": "euler_a"}, "did you mean 'euler-a'"),
        ({"precision": "half"}, "fp32, fp16, bf16"),
        ({"fast": "yes"}, "cannot be 'yes'"),
    ],
)
def test_bad_options_are_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        build_options(values)
