"""No home and no cache folder is on a page, and commands still find what they name."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genmix_da.places import expanded
from genmix_da.reporting.hidden_places import HiddenPlaces, shell_words


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home folder, with the cache elsewhere."""
    folder = tmp_path / "people" / "mia"
    folder.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("GENMIX_DA_CACHE", str(tmp_path / "scratch" / "cache"))
    return folder


def test_places_in_texts(home: Path, tmp_path: Path) -> None:
    hide = HiddenPlaces([Path("/fast/other")])
    cache = tmp_path / "scratch" / "cache"
    for text, wanted in (
        (f"{home}/runs/a is gone", "~/runs/a is gone"),
        (f"{home}: a file", "~: a file"),
        (f"{home}x/runs", f"{home}x/runs"),
        (f'"{cache}/edits/1.jpg"', '"$GENMIX_DA_CACHE/edits/1.jpg"'),
        (f"{cache}2", f"{cache}2"),
        ("/fast/other/mini_office_home/Art", "$GENMIX_DA_CACHE/mini_office_home/Art"),
        ("/home/nobody-of-here/data, /Users/no.one", "~/data, ~"),
        ("/root/.cache/genmix-da/edits", "$GENMIX_DA_CACHE/edits"),
        ("/data/root/home/x and share/home/y", "/data/root/home/x and share/home/y"),
    ):
        assert hide(text) == wanted


def test_words_of_a_command_mean_what_they_did(home: Path, tmp_path: Path) -> None:
    cache = tmp_path / "scratch" / "cache"
    words = [
        *("--data", f"{home}/my data", "--weights", f"{home}/w.safetensors", "--out", str(home)),
        *("--editor", f"instruct-pix2pix:{home}/model", "--prompts", "a; 'b' $HOME"),
        *("--backbone-arg", f"path={home}/x y", "--extra", f"{cache}/deep er/file"),
    ]
    line = shell_words(words)
    assert str(home) not in line and str(cache) not in line
    printed = subprocess.run(
        ["sh", "-c", f"printf '%s\\n' {line}"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    # As the command line of genmix-da takes them from the shell.
    assert [expanded(word) for word in printed] == words
    assert "--weights ~/w.safetensors" in line


def test_a_page_has_neither(
    home: Path, finished: Any, altered: Callable, page_of: Callable, tmp_path: Path
) -> None:
    cache = tmp_path / "scratch" / "cache"
    origin = json.loads(json.dumps(finished.result["provenance"]))
    data = origin["config"]["data"]
    (home / "sets").symlink_to(data, target_is_directory=True)
    origin["config"] |= {"data": f"{home}/sets", "source_checkpoint": f"{cache}/w/x.pth"}
    folder = altered(
        "made",
        provenance=origin,
        skipped_files=[{"path": f"{home}/sets/broken.png", "reason": f"no {home}/file"}],
        source_model={"folder": f"{home}/gone"},
        augment={"editor": f"diffusers:{home}/model"},
    )
    run = Path(shutil.move(folder, home / "run"))
    predictions = (run / "predictions.csv").read_text()
    (run / "predictions.csv").write_text(predictions.replace(data, f"{home}/sets"))
    (run / "metrics.jsonl").unlink()  # which is said, with its folder
    page = page_of(run)
    assert str(home) not in page
    assert str(cache) not in page
    assert "metrics.jsonl is not in ~/run." in page
    assert "~/sets/" in page and "$GENMIX_DA_CACHE/w/x.pth" in page


def test_mini_is_named_by_no_path(altered: Callable, finished: Any, page_of: Callable) -> None:
    origin = json.loads(json.dumps(finished.result["provenance"]))
    origin["config"]["data"] = "/elsewhere/of/another/mini_office_home"
    page = page_of(altered(synthetic=True, provenance=origin))
    assert "/elsewhere" not in page
    (line,) = [x for x in page.splitlines() if "genmix-da adapt" in x]
    assert "--data" not in shlex.split(line.split("<code>")[1].split("</code>")[0])
