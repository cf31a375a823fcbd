"""What the diffusers editor refuses: options, styles, models and arguments."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genmix_da.augment.diffusion.options import EditorOptions
from genmix_da.augment.editors import diffusers_pipeline, make_editor
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


def renamed(folder: Path, **changes: Any) -> None:
    file = folder / "model_index.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ("klein", {"image_guidance": 2.0}, "takes no --image-guidance; it takes --steps"),
        ("klein", {"scheduler": "euler"}, "Flux2KleinPipeline takes no --scheduler"),
        ("klein", {"batch": 2}, "takes no --edit-batch"),
        (
            "klein-distilled",
            {"guidance": 3.0},
            "takes no --guidance; .*--steps, --edit-size, --prec",
        ),
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
