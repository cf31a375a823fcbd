"""Texts for strangers keep the last part of a path."""

from __future__ import annotations

from pathlib import Path

import pytest

from genmix_da.hidden_paths import hidden, last_parts


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_last_parts_of_paths(home: Path) -> None:
    for text, wanted in (
        ("/data/x", "x"),
        ("/work/my data/of mia/", "of mia"),
        (f"--data {home}/photos --out /runs/a", "--data photos --out a"),
        ("instruct-pix2pix:/w/model, path=/w/y", "instruct-pix2pix:model, path=y"),
        (f"{home}: a file; /home/nobody-of-here and /root", "~: a file; ~ and ~"),
        ("no '/w/it.png' (/a/b) is in /c/d, ~/e/f", "no 'it.png' (b) is in d, f"),
        (
            "4/2/4 runs/a https://h.org/a/b ../x / </b>",
            "4/2/4 runs/a https://h.org/a/b ../x / </b>",
        ),
    ):
        assert last_parts(text) == wanted


def test_values_keep_their_shape() -> None:
    given = {"command": ["adapt", "--data", "/w/photos"], "seed": 1, "data": None}
    wanted = {"command": ["adapt", "--data", "photos"], "seed": 1, "data": None}
    assert hidden(given) == wanted
