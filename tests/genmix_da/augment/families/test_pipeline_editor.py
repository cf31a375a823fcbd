"""The diffusers editor around its pipelines: what it finds, loads, counts and lets through."""

from __future__ import annotations

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
    with pytest.raises(
        UserError, match=r"one image at 64 px on cpu; use a smaller --edit-size.*kept"
    ):
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
