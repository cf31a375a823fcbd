"""Models that are not there, damaged, of another kind or in pickle form: one sentence each."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import huggingface_hub.constants
import pytest
import torch

pytest.importorskip("diffusers")

CLI = ("--steps", 2, "--features", "off", "--edit-size", 48, "--lambda", 0)
ONE = (*CLI, "--per-image", 1, "--yes")
WEIGHTS = {
    "unet": "diffusion_pytorch_model",
    "vae": "diffusion_pytorch_model",
    "text_encoder": "model",
}

Refused = Callable[..., str]


@pytest.fixture
def source(photos: Callable, tmp_path: Path) -> Path:
    return photos(tmp_path / "in", 1)


@pytest.fixture
def refused(run: Callable, complaint: Callable, source: Path, tmp_path: Path) -> Refused:
    """`augment --editor EDITOR` must end with exit code 2 and one line; returns that line."""

    def call(editor: object, *options: object) -> str:
        outcome = run("augment", source, tmp_path / "out", "--editor", editor, *ONE, *options)
        assert not (tmp_path / "cache" / "edits").exists()
        return str(complaint(outcome))

    return call


@pytest.fixture
def model(tiny_pix2pix: Path, tmp_path: Path) -> Path:
    """A copy of the tiny model, to be damaged."""
    return Path(shutil.copytree(tiny_pix2pix, tmp_path / "model"))


@pytest.fixture
def empty_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's cache of this test, empty, and nothing asked of the network."""
    folder = tmp_path / "hub"
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(folder))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    return folder


@pytest.mark.parametrize(
    ("editor", "name"),
    [
        ("instruct-pix2pix", "timbrooks/instruct-pix2pix"),
        ("instruct-pix2pix:nobody/nothing", "nobody/nothing"),
    ],
)
def test_a_model_that_is_not_here_offline(
    refused: Refused, empty_hub: Path, tmp_path: Path, editor: str, name: str
) -> None:
    said = refused(editor)
    assert f"the model {name!r} is not on this machine and could not be fetched" in said
    assert f"hf download {name} --local-dir DIR" in said
    assert f"looked for in {empty_hub}, HF_HUB_OFFLINE is on" in said
    assert not (tmp_path / "out").exists()


def test_a_hub_that_cannot_be_reached(
    refused: Refused, empty_hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")  # nobody there
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    said = refused("instruct-pix2pix:nobody/nothing")
    assert "could not be fetched" in said
    assert "HF_HUB_OFFLINE is off" in said


def test_a_model_in_the_hub_cache_is_found_offline(
    run: Callable, source: Path, tiny_pix2pix: Path, empty_hub: Path, tmp_path: Path
) -> None:
    home = empty_hub / "models--timbrooks--instruct-pix2pix"
    (home / "refs").mkdir(parents=True)
    (home / "refs" / "main").write_text("0" * 40)
    shutil.copytree(tiny_pix2pix, home / "snapshots" / ("0" * 40))
    out, editor = tmp_path / "out", ("--editor", "instruct-pix2pix")
    outcome = run("augment", source, out, *editor, *ONE)
    assert "2 edits made now" in outcome.out, outcome
    folder = ("--editor", tiny_pix2pix)
    outcome = run("augment", source, out, *folder, *ONE, "--resume")
    assert "0 edits made now" in outcome.out, outcome  # the same model


def test_folders_that_are_none(refused: Refused, empty_hub: Path, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    said = refused(f"instruct-pix2pix:{nowhere}")
    assert f"no folder {nowhere}, and it is not the name of a hub model" in said
    said = refused(nowhere)
    assert f"no editor {str(nowhere)!r}" in said
    assert "the folder of a diffusers pipeline" in said


def index(model: Path, content: str) -> None:
    (model / "model_index.json").write_text(content)


def test_a_pipeline_of_another_class(refused: Refused, model: Path) -> None:
    index(model, json.dumps({"_class_name": "StableDiffusionPipeline"}))
    said = refused(f"instruct-pix2pix:{model}")
    assert "holds a StableDiffusionPipeline, not a StableDiffusionInstructPix2PixPipeline" in said
    assert f"use --editor diffusers:{model}" in said


@pytest.mark.parametrize("prefix", ["", "instruct-pix2pix:"])
def test_no_or_a_damaged_model_index(
    refused: Refused, model: Path, tmp_path: Path, prefix: str
) -> None:
    editor = f"{prefix}{model}"
    index(model, '{"_class_name": ')
    assert f"cannot read {model / 'model_index.json'}" in refused(editor)
    for content in ("[]", "{}", '{"_class_name": 3}'):
        index(model, content)
        assert "names no pipeline" in refused(editor)
    for content in (b"\xff\xfe\x00", b"[" * 100_000):
        (model / "model_index.json").write_bytes(content)
        assert f"cannot read {model / 'model_index.json'}" in refused(editor)
    (model / "model_index.json").unlink()
    assert f"{model} has no model_index.json" in refused(editor)
    assert not (tmp_path / "out").exists()


def pickled(model: Path, *components: str) -> None:
    """Weights as torch.save writes them."""
    from safetensors.torch import load_file

    for name in components:
        file = model / name / f"{WEIGHTS[name]}.safetensors"
        stem = "pytorch_model" if name == "text_encoder" else WEIGHTS[name]
        torch.save(load_file(file), model / name / f"{stem}.bin")
        file.unlink()


@pytest.mark.parametrize("component", WEIGHTS)
def test_weights_in_pickle_form_are_refused(
    refused: Refused, model: Path, tmp_path: Path, component: str
) -> None:
    pickled(model, component)
    said = refused(model)
    (file,) = (model / component).glob("*.bin")
    assert f"{file} holds weights in pickle form" in said
    assert "--allow-pickle" in said
    assert not (tmp_path / "out").exists()


def test_weights_in_pickle_form_give_the_same_edits_where_allowed(
    run: Callable, source: Path, model: Path, tmp_path: Path, tree_of: Callable
) -> None:
    arguments = (source, *ONE, "--editor", model, "--allow-pickle")
    outcome = run("augment", *arguments, tmp_path / "safe")
    assert "2 edits made now" in outcome.out, outcome
    pickled(model, *WEIGHTS)
    outcome = run("augment", *arguments, tmp_path / "pickled")
    assert "2 edits made now" in outcome.out, outcome  # other files, so made anew
    trees = [tree_of(tmp_path / name) for name in ("safe", "pickled")]
    rows = [
        [json.loads(line) for line in tree.pop("manifest.jsonl").splitlines()] for tree in trees
    ]
    assert trees[0] == trees[1]
    names = [[row.pop("edit") for row in each] for each in rows]
    assert rows[0] == rows[1]
    assert not set(names[0]) & set(names[1])  # in the cache


class Bomb:
    """Unpickled, it writes a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.file,)


def test_a_pickle_runs_no_code_where_it_is_not_allowed(
    refused: Refused, model: Path, tmp_path: Path
) -> None:
    pickled(model, "unet")
    (file,) = (model / "unet").glob("*.bin")
    torch.save({"weight": Bomb(tmp_path / "ran")}, file)
    assert "pickle form" in refused(model)
    # Hidden behind the name of a safe file: read as what its name says, and found damaged.
    file.rename(model / "unet" / "diffusion_pytorch_model.safetensors")
    assert f"cannot load unet from {model}" in refused(model, "--resume")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("component", [*WEIGHTS, "tokenizer", "scheduler"])
def test_a_component_that_is_missing(refused: Refused, model: Path, component: str) -> None:
    shutil.rmtree(model / component)
    said = refused(model)
    assert f"{model} has no folder {component}; download the model again" in said


@pytest.mark.parametrize("component", WEIGHTS)
@pytest.mark.parametrize("damage", ["truncated", "empty", "gone"])
def test_damaged_weights(refused: Refused, model: Path, component: str, damage: str) -> None:
    file = model / component / f"{WEIGHTS[component]}.safetensors"
    content = file.read_bytes()
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(content[: len(content) // 2] if damage == "truncated" else b"")
    said = refused(model)
    assert f"cannot load {component} from {model}" in said
    assert said.endswith("download it again.")


CUT = '{"in_channels": '


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("unet/config.json", CUT),
        ("vae/config.json", CUT),
        ("text_encoder/config.json", CUT),
        ("scheduler/scheduler_config.json", CUT),
        pytest.param("scheduler/scheduler_config.json", "3"),
        pytest.param("scheduler/scheduler_config.json", '{"beta_schedule": "no"}'),
        pytest.param("tokenizer/tokenizer.json", CUT),
        pytest.param("tokenizer/tokenizer_config.json", CUT),
    ],
)
def test_damaged_configuration(refused: Refused, model: Path, name: str, content: str) -> None:
    (model / name).write_text(content)
    said = refused(model)
    assert str(model) in said
    assert "again" in said


def test_an_empty_tokenizer(refused: Refused, model: Path) -> None:
    for file in (model / "tokenizer").iterdir():
        file.unlink()
    assert str(model / "tokenizer") in refused(model)


def test_a_unet_that_does_not_edit(refused: Refused, model: Path) -> None:
    from diffusers import UNet2DConditionModel

    config = json.loads((model / "unet" / "config.json").read_text())
    unet = UNet2DConditionModel.from_config({**config, "in_channels": 4})
    unet.save_pretrained(model / "unet")
    said = refused(model)
    assert f"the UNet of {model} takes 4 channels and not 8: it was not trained to edit" in said


def test_a_tiny_vae_that_is_none(refused: Refused, tiny_pix2pix: Path, empty_hub: Path) -> None:
    said = refused(tiny_pix2pix, "--tiny-vae", tiny_pix2pix / "vae")
    assert "holds the class AutoencoderKL, not AutoencoderTiny" in said
    assert "could not be fetched" in refused(tiny_pix2pix, "--tiny-vae", "nobody/taesd")
