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
