"""genmix-da serve: it says where it is, answers, stops by Ctrl-C; mistakes are one sentence."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def test_from_start_to_ctrl_c(finished: Any, photos: list[Path]) -> None:
    command = [sys.executable, "-m", "genmix_da", "serve", str(finished.folder), "--port", "0"]
    process = subprocess.Popen([*command, "--device", "cpu"], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        found = re.match(r"(http://127\.0\.0\.1:\d+) \(Ctrl-C stops it\)", line)
        assert found, line
        with urllib.request.urlopen(f"{found[1]}/about", timeout=60) as answer:
            assert json.load(answer)["name"] == finished.folder.name
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
        assert process.stderr.read() == "stopped\n"
    finally:
        process.kill()
        process.stderr.close()


@pytest.fixture
def refused(run: Callable[..., Any], complaint: Callable[[Any], str]) -> Callable[..., str]:
    return lambda *options: complaint(run("serve", *options))


def test_a_port_that_is_taken(refused: Callable[..., str], finished: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        told = refused(finished.folder, "--port", port)
    assert f"port {port} of 127.0.0.1 can't be listened at" in told
    assert "--port" in told


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--host", "no.such.host.invalid"), "no address 'no.such.host.invalid'"),
        (("--host", "192.0.2.1"), "can't be listened at"),
        (("--threshold", "2"), "in (0, 1]"),
        (("--max-megabytes", "0"), "--max-megabytes is 0.0; give a number above 0"),
        (("--max-megapixels", "nan"), "--max-megapixels is nan"),
        (("--device", "foo"), "foo"),
    ],
)
def test_options(refused: Callable[..., str], finished: Any, options: Any, reason: str) -> None:
    assert reason in refused(finished.folder, "--port", "0", *options)


def test_no_checkpoint(refused: Callable[..., str], tmp_path: Path) -> None:
    assert "no checkpoint" in refused(tmp_path, "--port", "0")


def test_without_its_packages(
    refused: Callable[..., str], finished: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert "pip install 'genmix-da[serve]'" in refused(finished.folder)


def test_no_graph(refused: Callable[..., str], classifier: Path) -> None:
    assert "has no graph; leave --graph out" in refused(classifier, "--port", "0", "--graph")
