"""The diffusers editor around its pipelines: what it refuses, finds, counts and lets through."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from genmix_da.augment.diffusion.options import EditorOptions
from genmix_da.augment.editors import diffusers_pipeline, make_editor
from genmix_da.augment.editors.base import edit_problem
from genmix_da.augment.editors.diffusers_pipeline import PipelineEditor
from genmix_da.augment.editors.families import FAMILIES
from genmix_da.augment.prompts import Style
from genmix_da.errors import UserError

pytest.importorskip("diffusers")

SIDE = 64
COMIC = Style("comic", "comic", "into retro comic")
SMALL = {"size": SIDE, "steps": 2}


def made(folder: Path | str, **options: Any) -> PipelineEditor:
    editor = make_editor(f"diffusers:{folder}", EditorOptions(**options), device="cpu")
    assert isinstance(editor, PipelineEditor)
    return editor


@pytest.fixture
def image(picture: Callable[..., np.ndarray]) -> np.ndarray:
    return picture(1, SIDE, SIDE)


@pytest.fixture
def copied(tiny: Callable[[str], Path], tmp_path: Path) -> Callable[[str], Path]:
    """A copy of a tiny model that a test may spoil."""

    def copy(model: str) -> Path:
        return Path(shutil.copytree(tiny(model), tmp_path / "copied" / model))

    return copy


def renamed(folder: Path, **changes: Any) -> None:
    file = folder / "model_index.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_settings_need_no_weights(
    tiny: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diffusers_pipeline, "load_pipeline", None)
    for model in ("klein", "sd-turbo"):
        editor = made(tiny(model), **SMALL)
        settings = dict(editor.settings)
        assert editor.native_size == settings["size"] == SIDE
        assert json.loads(json.dumps(settings)) == settings
        assert editor.largest_batch == 1
        assert editor.faster() is None
        assert editor.stand_in is False


def test_a_model_is_the_same_wherever_it_lies(
    tiny: Callable[[str], Path], copied: Callable[[str], Path]
) -> None:
    moved = copied("kontext")
    assert made(moved).settings == made(tiny("kontext")).settings
    weights = next((moved / "vae").glob("*.safetensors"))
    changed = bytearray(weights.read_bytes())
    changed[-1] ^= 1
    weights.write_bytes(bytes(changed))
    assert made(moved).settings["model"] != made(tiny("kontext")).settings["model"]


def test_a_batch_that_was_asked_for_is_a_setting_in_half_precision(
    tiny: Callable[[str], Path],
) -> None:
    folder = tiny("kontext")
    assert "batch" not in made(folder, batch=2).settings
    assert made(folder, batch=2, precision="bf16").settings["batch"] == 2
    assert made(folder, precision="bf16").settings["batch"] is None
    assert "batch" not in made(tiny("klein"), precision="bf16").settings


def test_precision_is_that_of_the_networks(tiny: Callable[[str], Path], image: np.ndarray) -> None:
    editor = made(tiny("kontext"), precision="bf16", **SMALL)
    (edit,) = editor.edit([image], [COMIC], [1])
    assert editor._load().transformer.dtype == torch.bfloat16
    assert edit.dtype == np.float32
    assert np.isfinite(edit).all()


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ("klein", {"image_guidance": 2.0}, "takes no --image-guidance; it takes --steps"),
        ("klein", {"scheduler": "euler"}, "Flux2KleinPipeline takes no --scheduler"),
        ("klein", {"batch": 2}, "takes no --edit-batch"),
        ("klein-distilled", {"guidance": 3.0}, "takes no --guidance; .*--steps, --size, --prec"),
        ("kontext", {"reuse": 3}, "takes no --reuse"),
        ("qwen", {"tiny_vae": "tiny"}, "takes no --tiny-vae"),
        ("sd-turbo", {"image_guidance": 1.5}, "takes no --image-guidance; .*--scheduler"),
        ("sd-turbo", {"compile": True}, "takes no --compile"),
        ("sdxl-pix2pix", {"channels_last": True}, "takes no --channels-last; .*--image-guidance"),
        ("sdxl-pix2pix", {"attention": "plain"}, "takes no --attention"),
        ("sdxl-pix2pix", {"fast": True}, "takes no --fast"),
        ("kontext", {"size": 72}, "--size is 72; .*multiple of 16"),
        ("sd-turbo", {"steps": 1}, "--steps is 1; .*a share of 0.5 of them and needs 2 or more"),
        ("sd-turbo", {"steps": 2000, "scheduler": "ddim"}, "--steps is 2000"),
    ],
)
def test_options_that_a_family_does_not_have(
    model: str, options: dict[str, Any], message: str, tiny: Callable[[str], Path]
) -> None:
    with pytest.raises(UserError, match=message):
        made(tiny(model), **options)


@pytest.mark.parametrize(
    ("model", "style", "message"),
    [
        ("kontext", {"negative": "blurry"}, "'odd' has a negative prompt; FluxKontextPipeline"),
        ("klein", {"negative": "blurry"}, "takes none here"),
        ("klein", {"image_guidance": 2.0}, "'odd' has image_guidance, which Flux2KleinPipeline"),
        ("klein-distilled", {"guidance": 2.0}, "'odd' has guidance, which"),
        ("sd-turbo", {"negative": "blurry"}, "has no effect at guidance 1"),
        ("qwen", {"negative": "blurry", "guidance": 1.0}, "has no effect at guidance 1"),
        ("sdxl-pix2pix", {"guidance": 0.5}, "guidance 0.5; it must be 1 or more"),
    ],
)
def test_styles_that_would_be_passed_over(
    model: str,
    style: dict[str, Any],
    message: str,
    tiny: Callable[[str], Path],
    image: np.ndarray,
) -> None:
    editor = made(tiny(model), **SMALL)
    odd = dataclasses.replace(COMIC, name="odd", **style)
    with pytest.raises(UserError, match=message):
        editor.check([COMIC, odd])
    with pytest.raises(UserError, match=message):
        editor.edit([image, image], [COMIC, odd], [1, 2])


def test_arguments_that_a_pipeline_would_swallow_are_refused(
    tiny: Callable[[str], Path], image: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    family = FAMILIES["StableDiffusionPipeline"]
    spoilt = dataclasses.replace(
        family, arguments=dict(family.arguments) | {"strength": "strenght"}
    )
    monkeypatch.setattr(diffusers_pipeline, "family_of", lambda index, model: spoilt)
    with pytest.raises(UserError, match=r"Img2ImgPipeline takes no argument 'strenght'; update"):
        made(tiny("sd-turbo"), **SMALL).edit([image], [COMIC], [1])


def test_no_model() -> None:
    with pytest.raises(UserError, match="needs a model; give --editor diffusers:MODEL"):
        make_editor("diffusers")


def test_unknown_pipeline_lists_the_known(copied: Callable[[str], Path]) -> None:
    folder = copied("sd-turbo")
    renamed(folder, _class_name="StableAudioPipeline")
    with pytest.raises(UserError) as caught:
        made(folder)
    assert "holds a StableAudioPipeline" in str(caught.value)
    assert all(name in str(caught.value) for name in FAMILIES)


def test_instruct_pix2pix_has_an_editor_of_its_own(copied: Callable[[str], Path]) -> None:
    folder = copied("sd-turbo")
    renamed(folder, _class_name="StableDiffusionInstructPix2PixPipeline")
    with pytest.raises(UserError, match=f"use --editor instruct-pix2pix:{folder}"):
        made(folder)


def test_a_diffusers_without_the_pipeline(
    tiny: Callable[[str], Path], image: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    family = dataclasses.replace(FAMILIES["FluxKontextPipeline"], pipeline="FluxTomorrowPipeline")
    monkeypatch.setattr(diffusers_pipeline, "family_of", lambda index, model: family)
    with pytest.raises(UserError, match=r"has no FluxTomorrowPipeline; update it: pip install -U"):
        made(tiny("kontext"), **SMALL).edit([image], [COMIC], [1])


def test_pickled_weights_are_refused_unless_trusted(
    copied: Callable[[str], Path], tiny: Callable[[str], Path], image: np.ndarray
) -> None:
    from safetensors.torch import load_file

    folder = copied("sd-turbo")
    safe = folder / "unet" / "diffusion_pytorch_model.safetensors"
    torch.save(load_file(safe), safe.with_suffix(".bin"))
    safe.unlink()
    with pytest.raises(UserError, match=r"unet/diffusion_pytorch_model.bin holds .*pickle form"):
        made(folder)
    (edit,) = made(folder, allow_pickle=True, **SMALL).edit([image], [COMIC], [1])
    assert np.array_equal(edit, made(tiny("sd-turbo"), **SMALL).edit([image], [COMIC], [1])[0])


def test_weights_in_half_precision_alone_are_found(
    copied: Callable[[str], Path], image: np.ndarray
) -> None:
    folder = copied("sdxl-turbo")
    before = made(folder, **SMALL).edit([image], [COMIC], [1])[0]
    for name in ("unet", "vae", "text_encoder", "text_encoder_2"):
        (weights,) = (folder / name).glob("*.safetensors")
        weights.rename(weights.with_suffix(".fp16.safetensors"))
    after = made(folder, **SMALL).edit([image], [COMIC], [1])[0]
    assert np.array_equal(before, after)


def test_missing_and_damaged_parts(copied: Callable[[str], Path], image: np.ndarray) -> None:
    folder = copied("kontext")
    config = folder / "transformer" / "config.json"
    config.write_text("{")
    with pytest.raises(UserError, match=f"cannot load {folder}: .*download it again"):
        made(folder, **SMALL).edit([image], [COMIC], [1])
    shutil.rmtree(folder / "vae")
    with pytest.raises(UserError, match="has no folder vae; download all of it"):
        made(folder)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub, which is out of reach."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def test_a_model_that_is_not_here(cache: Path) -> None:
    with pytest.raises(UserError) as caught:
        made("someone/editor")
    for part in ("'someone/editor'", "hf download someone/editor --local-dir DIR", str(cache)):
        assert part in str(caught.value)
    with pytest.raises(UserError, match="no folder /nowhere/at/all"):
        made("/nowhere/at/all")


def test_a_hub_name_is_found_in_the_cache(
    cache: Path, tiny: Callable[[str], Path], image: np.ndarray
) -> None:
    place = cache / "models--someone--editor"
    shutil.copytree(tiny("sd-turbo"), place / "snapshots" / "abc")
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text("abc")
    named, folder = made("someone/editor", **SMALL), made(tiny("sd-turbo"), **SMALL)
    assert named.settings == folder.settings
    (first,), (second,) = (e.edit([image], [COMIC], [1]) for e in (named, folder))
    assert np.array_equal(first, second)


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_non_finite_values_reach_the_caller(
    value: float, tiny: Callable[[str], Path], image: np.ndarray
) -> None:
    for model in ("sd-turbo", "klein"):
        editor = made(tiny(model), **SMALL)
        with torch.no_grad():
            editor._load().vae.decoder.conv_out.bias.fill_(value)
        (edit,) = editor.edit([image], [COMIC], [1])
        assert edit_problem(edit) == "non-finite"


def limit_memory(editor: PipelineEditor, monkeypatch: pytest.MonkeyPatch, most: int) -> list[int]:
    """Makes calls with more than `most` images fail; returns the sizes that were tried."""
    real, tried = editor._call, []

    def call(items: Any, steps: int | None = None) -> Any:
        tried.append(len(items))
        if len(items) > most:
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")
        return real(items, steps)

    monkeypatch.setattr(editor, "_call", call)
    return tried


def test_out_of_memory_halves_the_batch(
    tiny: Callable[[str], Path], image: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = [np.roll(image, 8 * n, axis=1) for n in range(6)]
    styles, seeds = [COMIC] * 6, range(6)
    expected = made(tiny("sd-turbo"), **SMALL).edit(images, styles, seeds)
    editor = made(tiny("sd-turbo"), batch=4, **SMALL)
    tried = limit_memory(editor, monkeypatch, 1)
    edits = editor.edit(images, styles, seeds)
    # Halves of the batch that failed, then what is known to fit.
    assert tried == [4, 2, 1, 1, 2, 1, 1, 1, 1]
    assert editor.largest_batch == 1
    for edit, other in zip(edits, expected, strict=True):
        assert np.array_equal(edit, other)


def test_out_of_memory_with_one_image(
    tiny: Callable[[str], Path], image: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = made(tiny("kontext"), batch=2, **SMALL)
    limit_memory(editor, monkeypatch, 0)
    with pytest.raises(UserError, match=r"one image at 64 px on cpu; use a smaller --size.*kept"):
        editor.edit([image] * 2, [COMIC] * 2, [1, 2])


def test_time_of_an_edit_is_measured_once(
    tiny: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = made(tiny("sd-turbo"), size=SIDE, steps=40)
    real, asked = editor._timed, []

    def timed(steps: int) -> float:
        asked.append(steps)
        assert real(steps) > 0
        return {2: 3.0, 4: 5.0}[steps]  # one step is run, and two

    monkeypatch.setattr(editor, "_timed", timed)
    assert editor.seconds_per_edit() == editor.seconds_per_edit() == 3.0 + 19 * 2.0
    assert asked == [2, 4]


def test_nothing_is_printed(
    tiny: Callable[[str], Path], image: np.ndarray, capfd: pytest.CaptureFixture[str]
) -> None:
    editor = made(tiny("sdxl-turbo"), **SMALL)
    capfd.readouterr()
    editor.edit([image], [COMIC], [1])
    assert tuple(capfd.readouterr()) == ("", "")
