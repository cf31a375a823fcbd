"""A full disk, leftovers and files edited by hand: nothing finished is lost."""

from __future__ import annotations

import errno
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genmix_da import sealed as sealed_module
from genmix_da.augment import pipeline as pipeline_module

CLI = ("--features", "off", "--edit-size", 48)


class Disk:
    """Lets some files be written, then has no room (or no permission) any more."""

    def __init__(self, room: int, error: OSError) -> None:
        self.room, self.error = room, error
        self.write = sealed_module.write_atomically

    def __call__(self, path: Path, write: Callable[[Path], object]) -> None:
        self.room -= 1
        if self.room < 0:
            raise self.error
        self.write(path, write)


FAULTS = {
    "full": (OSError(errno.ENOSPC, "No space left"), "the disk is full"),
    "quota": (OSError(errno.EDQUOT, "Quota exceeded"), "the disk is full"),
    "forbidden": (PermissionError(errno.EACCES, "Permission denied"), "no permission to read"),
    "read-only": (OSError(errno.EROFS, "Read-only file system"), "no permission to write"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("module", "room"), [(sealed_module, 4), (pipeline_module, 6)])
def test_fault_of_the_disk_is_one_sentence_and_resumed_from(
    run: Callable,
    refused: Callable,
    source: Path,
    tmp_path: Path,
    tree_of: Callable,
    fault: str,
    module: Any,
    room: int,
) -> None:
    error, sentence = FAULTS[fault]
    out = tmp_path / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "write_atomically", Disk(room, error))
        assert sentence in refused(source, out)
    finished = {p: p.stat().st_mtime_ns for p in out.rglob("*.jpg")}
    assert len(finished) == (room - 2 if module is pipeline_module else 0)  # two of the record
    assert not (out / "manifest.jsonl").exists()
    outcome = run("augment", source, out, *CLI, "--resume")
    assert outcome.code == 0
    assert f"{12 - room if module is sealed_module else 0} edits made now" in outcome.out
    assert all(file.stat().st_mtime_ns == time for file, time in finished.items())
    assert run("augment", source, tmp_path / "whole", *CLI).code == 0
    assert tree_of(tmp_path / "whole") == tree_of(out)


EVIL = {"output": "../evil.jpg", "source": "/etc/passwd", "kept": True, "status": "kept"}


@pytest.mark.parametrize("edited", [json.dumps(EVIL) + "\n", "no JSON", ""])
def test_manifest_edited_by_hand_has_no_effect(
    run: Callable, source: Path, tmp_path: Path, tree_of: Callable, edited: str
) -> None:
    out = tmp_path / "out"
    assert run("augment", source, out, *CLI).code == 0
    before, beside = tree_of(out), sorted(tmp_path.iterdir())
    (out / "manifest.jsonl").write_text(edited)
    assert run("augment", source, out, *CLI, "--resume").code == 0
    assert tree_of(out) == before
    assert sorted(tmp_path.iterdir()) == beside


@pytest.mark.parametrize(
    "content", ["{", "[]", "3", '{"seed": 0}', "", "[" * 100_000], ids=range(6)
)
def test_record_edited_by_hand_is_refused(
    run: Callable, refused: Callable, source: Path, tmp_path: Path, content: str
) -> None:
    assert run("augment", source, tmp_path / "out", *CLI).code == 0
    (tmp_path / "out" / "augment.json").write_text(content)
    assert "choose another folder" in refused(source, tmp_path / "out", "--resume")


def test_leftovers_of_a_killed_run_are_swept(
    run: Callable, source: Path, tmp_path: Path, tree_of: Callable
) -> None:
    out = tmp_path / "out"
    assert run("augment", source, out, *CLI).code == 0
    before = tree_of(out)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    host = socket.gethostname()
    dead = out / "cup" / f".00.png.0.graffiti.jpg.{host}-{gone.pid}-0123abcd.tmp"
    living = out / f".manifest.jsonl.{host}-{os.getpid()}-0123abcd.tmp"
    for leftover in (dead, living):
        leftover.write_bytes(b"half")
    assert run("augment", source, out, *CLI, "--resume").code == 0
    assert living.is_file()  # its writer is at work
    living.unlink()
    assert tree_of(out) == before
