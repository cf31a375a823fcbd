"""Every family end to end: the stock pipeline's numbers, whatever else is in the batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from genmix_da.augment.diffusion.options import SCHEDULERS, EditorOptions
from genmix_da.augment.editors import make_editor
from genmix_da.augment.editors.base import to_uint8
from genmix_da.augment.editors.diffusers_pipeline import PipelineEditor
from genmix_da.augment.editors.families import FAMILIES
from genmix_da.augment.prompts import Style

pytest.importorskip("diffusers")

SIDE, STEPS = 64, 4
COMIC = Style("comic", "comic", "into retro comic")
CHALK = Style("chalk", "chalk", "into a longer chalk drawing")

# Model -> class of the stock pipeline, and how its documentation has it called.
SIZED = {"height": SIDE, "width": SIDE}
STOCK: dict[str, tuple[str, dict[str, Any]]] = {
    "sdxl-pix2pix": (
        "StableDiffusionXLInstructPix2PixPipeline",
        SIZED | {"guidance_scale": 3.0, "image_guidance_scale": 1.5},
    ),
    "sd-turbo": ("StableDiffusionImg2ImgPipeline", {"guidance_scale": 0.0, "strength": 0.5}),
    "sdxl-turbo": ("StableDiffusionXLImg2ImgPipeline", {"guidance_scale": 0.0, "strength": 0.5}),
    "klein": ("Flux2KleinPipeline", SIZED | {"guidance_scale": 4.0}),
    "klein-distilled": ("Flux2KleinPipeline", SIZED | {"guidance_scale": 1.0}),
    "kontext": (
        "FluxKontextPipeline",
        SIZED | {"guidance_scale": 2.5, "max_area": SIDE**2, "_auto_resize": False},
    ),
    "qwen": ("QwenImageEditPipeline", SIZED | {"true_cfg_scale": 4.0, "negative_prompt": " "}),
    "qwen-plus": (
        "QwenImageEditPlusPipeline",
        SIZED | {"true_cfg_scale": 4.0, "negative_prompt": " "},
    ),
}
MODELS = list(STOCK)
BATCHED = ["sdxl-pix2pix", "sd-turbo", "sdxl-turbo", "kontext"]
UNETS = ["sdxl-pix2pix", "sd-turbo", "sdxl-turbo"]

Make = Callable[..., PipelineEditor]


@pytest.fixture
def editor(tiny: Callable[[str], Path], small_references: None) -> Make:
    """The editor of a tiny model."""

    def make(model: str, **options: Any) -> PipelineEditor:
        values = {"size": SIDE, "steps": STEPS} | options
        made = make_editor(f"diffusers:{tiny(model)}", EditorOptions(**values), device="cpu")
        assert isinstance(made, PipelineEditor)
        return made

    return make


@pytest.fixture
def images(picture: Callable[..., np.ndarray]) -> list[np.ndarray]:
    return [picture(n, SIDE, SIDE) for n in range(3)]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Callable[[PipelineEditor], list[dict[str, Any]]]:
    """Notes the arguments of an editor's calls of its pipeline."""

    def watch(editor: PipelineEditor) -> list[dict[str, Any]]:
        seen: list[dict[str, Any]] = []
        kind = type(editor._load())
        real = kind.__call__

        def call(self: Any, *args: Any, **arguments: Any) -> Any:
            seen.append(arguments)
            return real(self, *args, **arguments)

        call.__wrapped__ = real  # type: ignore[attr-defined]  # inspect sees the real arguments
        monkeypatch.setattr(kind, "__call__", call)
        return seen

    return watch


def assert_equal(first: np.ndarray, second: np.ndarray) -> None:
    assert first.shape == second.shape
    # Far below what another image or prompt makes of these networks.
    assert np.abs(first - second).max() <= 1e-4
    assert np.abs(to_uint8(first).astype(int) - to_uint8(second)).max() <= 1


@pytest.mark.parametrize("model", MODELS)
def test_an_edit_equals_the_stock_pipeline(
    model: str, tiny: Callable[[str], Path], editor: Make, images: list[np.ndarray]
) -> None:
    import diffusers

    kind, arguments = STOCK[model]
    stock = getattr(diffusers, kind).from_pretrained(tiny(model), local_files_only=True)
    stock.set_progress_bar_config(disable=True)
    expected = stock(
        prompt=COMIC.text,
        image=Image.fromarray(images[0]),
        num_inference_steps=STEPS,
        generator=torch.Generator().manual_seed(7),
        output_type="np",
        **arguments,
    ).images[0]
    (edit,) = editor(model).edit([images[0]], [COMIC], [7])
    assert edit.dtype == np.float32
    assert edit.std() > 0.02
    assert_equal(edit, expected)


@pytest.mark.parametrize("model", BATCHED)
def test_a_batch_equals_its_parts(
    model: str, editor: Make, images: list[np.ndarray], calls: Callable
) -> None:
    together, seeds = editor(model, batch=3), [1, 2, 3]
    seen = calls(together)
    styles = [COMIC, CHALK, COMIC]
    batch = together.edit(images, styles, seeds)
    assert [len(call["image"]) for call in seen] == [3]
    backwards = together.edit(images[::-1], styles[::-1], seeds[::-1])[::-1]
    one = editor(model)
    assert one.largest_batch == 1
    for n in range(3):
        (alone,) = one.edit([images[n]], [styles[n]], [seeds[n]])
        assert_equal(batch[n], alone)
        assert_equal(backwards[n], alone)


@pytest.mark.parametrize("model", [name for name in MODELS if name not in BATCHED])
def test_where_a_list_means_references_an_image_is_a_call(
    model: str, editor: Make, images: list[np.ndarray], calls: Callable
) -> None:
    made = editor(model, batch=1)
    seen = calls(made)
    first, second = made.edit(images[:2], [COMIC, CHALK], [1, 2])
    assert all(isinstance(call["image"], Image.Image) for call in seen)
    assert all(isinstance(call["prompt"], str) for call in seen)
    (again,) = made.edit([images[1]], [CHALK], [2])
    assert np.array_equal(second, again)  # nothing is left over from the call before
    assert not np.allclose(first, second, atol=1e-3)


@pytest.mark.parametrize("model", MODELS)
def test_image_prompt_and_seed_all_matter(
    model: str, editor: Make, images: list[np.ndarray]
) -> None:
    a, b = images[:2]
    edits = editor(model).edit([a, b, a, a], [COMIC, COMIC, CHALK, COMIC], [1, 1, 1, 2])
    for other in edits[1:]:
        assert np.abs(edits[0] - other).max() > 1e-3


@pytest.mark.parametrize("model", MODELS)
def test_results_are_squares_of_the_native_size(
    model: str, editor: Make, picture: Callable[..., np.ndarray]
) -> None:
    made = editor(model, size=80, steps=2)
    assert made.native_size == 80
    inputs = [picture(1, 48, 100), picture(2, 7, 9)]
    before = [image.copy() for image in inputs]
    edits = made.edit(inputs, [COMIC, COMIC], [1, 2])
    assert [edit.shape for edit in edits] == [(80, 80, 3)] * 2
    assert all(edit.min() >= 0 and edit.max() <= 1 for edit in edits)
    assert all(np.array_equal(image, old) for image, old in zip(inputs, before, strict=True))


@pytest.mark.parametrize(
    ("model", "named"), [("sd-turbo", "StableDiffusion"), ("sdxl-turbo", "StableDiffusionXL")]
)
def test_a_folder_of_image_to_image_is_used_as_one_of_text_to_image(
    model: str,
    named: str,
    tiny: Callable[[str], Path],
    editor: Make,
    images: list[np.ndarray],
    tmp_path: Path,
) -> None:
    import diffusers

    kind = getattr(diffusers, f"{named}Img2ImgPipeline")
    kind.from_pretrained(tiny(model), local_files_only=True).save_pretrained(tmp_path / "other")
    options = EditorOptions(size=SIDE, steps=STEPS)
    other = make_editor(f"diffusers:{tmp_path / 'other'}", options, device="cpu")
    (first,) = other.edit(images[:1], [COMIC], [1])
    (second,) = editor(model).edit(images[:1], [COMIC], [1])
    assert np.array_equal(first, second)


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_every_scheduler_keeps_nothing_between_calls(
    scheduler: str, editor: Make, images: list[np.ndarray]
) -> None:
    made = editor("sdxl-pix2pix", scheduler=scheduler, batch=2)
    assert made.settings["scheduler"] == scheduler
    first, second = made.edit(images[:2], [COMIC, COMIC], [1, 2])
    (alone,) = made.edit(images[1:2], [COMIC], [2])
    assert_equal(second, alone)
    assert np.isfinite(first).all()


@pytest.mark.parametrize("model", UNETS)
def test_a_scheduler_changes_the_edit(model: str, editor: Make, images: list[np.ndarray]) -> None:
    own, other = (editor(model, **more) for more in ({}, {"scheduler": "ddim"}))
    (first,), (second,) = (made.edit(images[:1], [COMIC], [1]) for made in (own, other))
    assert not np.allclose(first, second, atol=1e-3)
    assert own.settings != other.settings


def test_styles_of_different_scales_are_different_calls(
    editor: Make, images: list[np.ndarray], calls: Callable
) -> None:
    made = editor("sdxl-pix2pix", batch=4, guidance=5.0)
    strong = Style("strong", "x", "into comic", guidance=8.0, image_guidance=2.0)
    banned = Style("banned", "x", "into comic", negative="blurry")
    seen = calls(made)
    styles = [COMIC, strong, banned, CHALK]
    edits = made.edit([images[0]] * 4, styles, [1] * 4)
    told = [
        (call["guidance_scale"], call["image_guidance_scale"], call.get("negative_prompt"))
        for call in seen
    ]
    assert told == [(5.0, 1.5, None), (8.0, 2.0, None), (5.0, 1.5, ["blurry"])]
    assert seen[0]["prompt"] == [COMIC.text, CHALK.text]
    for style, edit in zip(styles, edits, strict=True):
        assert_equal(made.edit(images[:1], [style], [1])[0], edit)


def test_qwen_takes_a_negative_prompt_for_its_blank(
    editor: Make, images: list[np.ndarray], calls: Callable
) -> None:
    made = editor("qwen")
    seen = calls(made)
    styles = [COMIC, Style("banned", "x", COMIC.text, negative="blurry", guidance=2.0)]
    first, second = made.edit([images[0]] * 2, styles, [1, 1])
    told = [(call["true_cfg_scale"], call["negative_prompt"]) for call in seen]
    assert told == [(4.0, " "), (2.0, "blurry")]
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("model", MODELS)
def test_published_settings(model: str, tiny: Callable[[str], Path]) -> None:
    published = {
        "sdxl-pix2pix": {"steps": 30, "guidance": 3.0, "image_guidance": 1.5, "size": 768},
        "sd-turbo": {"steps": 2, "guidance": 1.0, "strength": 0.5, "size": 512},
        "sdxl-turbo": {"steps": 2, "guidance": 1.0, "strength": 0.5, "size": 512},
        "klein": {"steps": 50, "guidance": 4.0, "size": 1024},
        "klein-distilled": {"steps": 4, "size": 1024},
        "kontext": {"steps": 28, "guidance": 2.5, "size": 1024},
        "qwen": {"steps": 50, "guidance": 4.0, "size": 1024},
        "qwen-plus": {"steps": 40, "guidance": 4.0, "size": 1024},
    }
    made = make_editor(f"diffusers:{tiny(model)}", device="cpu")
    own = dict(made.settings)
    assert made.native_size == own["size"]
    assert own.pop("pipeline") == STOCK[model][0]
    assert len(own.pop("model")) == 64
    assert own.pop("family")
    assert own == published[model] | {"precision": "fp32", "scheduler": "own"}


def test_every_family_has_a_tiny_model(tiny: Callable[[str], Path]) -> None:
    covered: Sequence[str] = [STOCK[model][0] for model in MODELS]
    assert {family.pipeline for family in FAMILIES.values()} == set(covered)
