"""What is sent to a hub, against a stub of its HTTP interface; and back again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hub_stub
from genmix_da import load_model

Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def hub() -> Iterator[hub_stub.Hub]:
    with hub_stub.running() as found:
        yield found


@pytest.fixture
def call(hub: hub_stub.Hub, tmp_path: Path) -> Call:
    """A command of a user who is logged in to the stub."""

    def run(*arguments: object, token: str | None = None) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {
            "HF_ENDPOINT": hub.address,
            "HF_HOME": str(tmp_path / "hub"),
            "HF_TOKEN": hub.token if token is None else token,
            "HF_HUB_DISABLE_XET": "1",
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        command = [sys.executable, "-m", "genmix_da", *map(str, arguments)]
        return subprocess.run(command, env=environment, capture_output=True, text=True)

    return run


def test_a_run_is_sent_and_used_by_its_name(
    call: Call, hub: hub_stub.Hub, finished: Any, photos: list[Path], tmp_path: Path
) -> None:
    sent = call("push", finished.folder, "me/demo", "--license", "mit")
    assert sent.returncode == 0, sent.stderr
    assert sent.stdout.strip() == f"{hub.address}/me/demo"
    assert hub.private == {"models/me/demo": True}
    held = hub.files["models/me/demo"]
    assert set(held) == {
        *("README.md", "result.json", "checkpoint.json", "checkpoint.safetensors"),
        *("graph.json", "graph.safetensors"),
    }
    out = tmp_path / "predictions.csv"
    found = call("predict", "hub:me/demo", photos[0].parents[1], "--out", out, token="")
    assert found.returncode == 0, found.stderr
    own = tmp_path / "own.csv"
    assert call("predict", finished.folder, photos[0].parents[1], "--out", own).returncode == 0
    assert out.read_text() == own.read_text()
    # Fetched once: without the hub it is still there.
    hub.files.clear()
    refused = call("predict", "hub:me/other", photos[0], "--out", out)
    assert refused.returncode == 2
    assert "the hub has no model me/other" in refused.stderr


def test_augmented_images_become_a_data_set(
    call: Call, hub: hub_stub.Hub, data: Path, tmp_path: Path
) -> None:
    made = tmp_path / "made"
    options = ("--features", "off", "--edit-size", "32", "--per-image", "1", "--editor", "filters")
    assert call("augment", data / "Art", made, *options).returncode == 0
    sent = call("push", made, "me/made", "--public")
    assert sent.returncode == 0, sent.stderr
    assert hub.private == {"datasets/me/made": False}
    held = hub.files["datasets/me/made"]
    images = [name for name in held if name.endswith(".jpg")]
    assert len(images) == 72
    assert all(held[name] == (made / name).read_bytes() for name in images)
    rows = [json.loads(line) for line in held["manifest.jsonl"].splitlines()]
    assert sorted(row["output"] for row in rows) == sorted(images)


def test_who_may_not_write_is_told(call: Call, finished: Any) -> None:
    ended = call("push", finished.folder, "me/demo", token="wrong")
    assert ended.returncode == 2
    assert "the hub does not let you write to me/demo" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_hub_that_is_not_there(call: Call, hub: hub_stub.Hub, finished: Any) -> None:
    hub.address = "http://127.0.0.1:9"
    for arguments in (
        ("push", finished.folder, "me/x"),
        ("predict", "hub:me/x", "x.jpg", "--out", "x.csv"),
    ):
        ended = call(*arguments)
        assert ended.returncode == 2
        assert "the hub can't be reached" in ended.stderr
        assert "Traceback" not in ended.stderr


@pytest.fixture
def photos(data: Path) -> list[Path]:
    return sorted((data / "Clipart").rglob("*.png"))[:8]


def test_staged_folder_is_a_run_like_the_own(
    run: Any, finished: Any, photos: list[Path], tmp_path: Path
) -> None:
    stage = tmp_path / "stage"
    assert run("push", finished.folder, "me/demo", "--stage", stage).code == 0
    own = load_model(finished.folder, "cpu").predict(photos)
    theirs = load_model(stage, "cpu").predict(photos)
    assert np.array_equal(own.probability, theirs.probability)
    assert own.graph is not None and theirs.graph is not None
    assert np.array_equal(own.graph.probability, theirs.graph.probability)
    cache = os.environ["GENMIX_DA_CACHE"]
    for file in stage.iterdir():
        assert cache.encode() not in file.read_bytes()


def test_no_path_of_this_machine_is_sent(
    run: Any, finished: Any, data: Path, tmp_path: Path
) -> None:
    stage = tmp_path / "stage"
    assert run("push", finished.folder, "me/demo", "--stage", stage).code == 0
    for file in stage.iterdir():
        content = file.read_bytes()
        for place in (data.parent, finished.folder.parent, Path.home()):
            assert str(place).encode() not in content, file
    command = json.loads((stage / "result.json").read_text())["provenance"]["command"]
    source = Path(finished.result["source_model"]["folder"]).name
    assert command and not any(word.startswith("/") for word in command)
    assert f"of the source model: {source}" in (stage / "README.md").read_text()


def test_weights_of_a_sent_frozen_model_are_given(
    run: Any, complaint: Any, adapt_once: Any, photos: list[Path], tmp_path: Path
) -> None:
    from safetensors.torch import save_file

    from lead.backbones import build_backbone
    from lead.checkpoint import weights_identity

    weights, stage = tmp_path / "deep" / "w 1.safetensors", tmp_path / "stage"
    weights.parent.mkdir()
    built = build_backbone("timm:test_efficientnet", weights="none")
    save_file(built.module.state_dict(), weights)
    frozen = adapt_once("--split", "3/1/2", "--freeze-backbone", "--weights", weights)
    assert run("push", frozen.folder, "me/frozen", "--stage", stage).code == 0
    text = (stage / "README.md").read_text()
    assert 'load_model("hub:me/frozen", weights="w 1.safetensors")' in text
    assert "serve hub:me/frozen --weights 'w 1.safetensors'" in text
    assert f"SHA-256 {weights_identity(str(weights))}" in text and "can't be fetched" in text
    said = complaint(run("predict", stage, photos[0], "--out", tmp_path / "p.csv"))
    assert "is not at w 1.safetensors any more; name it with --weights" in said
    found = load_model(stage, "cpu", str(weights)).predict(photos)
    own = load_model(frozen.folder, "cpu").predict(photos)
    assert np.array_equal(found.probability, own.probability)


def test_without_the_graph_no_feature_of_a_target_image_is_sent(
    run: Any, finished: Any, tmp_path: Path
) -> None:
    stage = tmp_path / "stage"
    assert run("push", finished.folder, "me/demo", "--no-graph", "--stage", stage).code == 0
    assert not list(stage.glob("graph*"))
    assert load_model(stage, "cpu").memory is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("a/b/c",), "'a/b/c' is no name of a repository"),
        (("../x",), "is no name of a repository"),
        (("./here",), "give OWNER/NAME, and a folder of yours with --stage"),
        (("me/x", "--license", "MIT License"), "give an identifier in small letters"),
        (("me/x", "--stage", "."), "is there already"),
    ],
)
def test_refused_before_anything_is_sent(
    run: Any, complaint: Any, finished: Any, options: tuple[str, ...], said: str
) -> None:
    assert said in complaint(run("push", finished.folder, *options))


@pytest.mark.parametrize("name", ["hub:", "hub:a", "hub:a/b/c", "hub:../../etc"])
def test_no_model_of_the_hub(run: Any, complaint: Any, tmp_path: Path, name: str) -> None:
    assert "is no name of a repository" in complaint(run("export", name, "--out", tmp_path / "x"))


def test_export_of_a_model_of_the_hub_needs_a_place(run: Any, complaint: Any) -> None:
    assert "name the file with --out" in complaint(run("export", "hub:me/x"))
