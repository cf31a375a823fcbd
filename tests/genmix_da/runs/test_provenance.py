"""Where a result comes from, and where things are kept."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from genmix_da.places import cache_folder
from genmix_da.runs import provenance


def test_no_commit_outside_a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "site-packages" / "genmix_da" / "provenance.py"
    file.parent.mkdir(parents=True)
    file.touch()
    monkeypatch.setattr(provenance, "__file__", str(file))
    assert provenance.git_commit() is None
    assert provenance.provenance()["git_commit"] is None


def test_no_commit_without_git(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*arguments: Any, **options: Any) -> None:
        raise FileNotFoundError("git")

    monkeypatch.setattr(subprocess, "run", absent)
    assert provenance.git_commit() is None


@pytest.mark.parametrize(("changes", "commit"), [("", "abc123"), (" M file\n", "abc123+dirty")])
def test_commit_says_whether_files_were_changed(
    changes: str, commit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {"ls-files": "provenance.py\n", "rev-parse": "abc123\n", "status": changes}

    def git(command: list[str], **options: Any) -> SimpleNamespace:
        return SimpleNamespace(stdout=answers[command[3]])

    monkeypatch.setattr(subprocess, "run", git)
    assert provenance.git_commit() == commit


def test_untracked_file_in_someone_elses_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    def git(command: list[str], **options: Any) -> SimpleNamespace:
        if command[3] == "ls-files":
            raise subprocess.CalledProcessError(1, command)
        return SimpleNamespace(stdout="abc123\n")

    monkeypatch.setattr(subprocess, "run", git)
    assert provenance.git_commit() is None


def test_packages_that_are_not_installed_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "_PACKAGES", ("torch", "no-such-package-at-all"))
    versions = provenance.package_versions()
    assert versions["torch"]
    assert versions["no-such-package-at-all"] is None
    assert versions["python"] == ".".join(map(str, sys.version_info[:3]))


def test_command_names_the_program_and_its_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/somewhere/bin/genmix-da", "adapt", "--src", "Ar"])
    assert provenance.provenance()["command"] == ["genmix-da", "adapt", "--src", "Ar"]


def test_cache_folder_is_named_or_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cache_folder() == tmp_path / "cache"
    monkeypatch.setenv("GENMIX_DA_CACHE", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "genmix-da"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "genmix-da"
