"""The README's library example runs as it is written, and its commands exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from genmix_da.cli import main

README = Path(__file__).parents[1] / "README.md"


def test_library_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    examples = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    (example,) = [text for text in examples if "import lead" in text]
    exec(compile(example, "README.md", "exec"), {})
    losses = capsys.readouterr().out.split("\n")
    assert float(losses[0]) > 0


def test_graph_page_s_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    page = README.parent / "docs" / "graph.md"
    (example,) = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    exec(compile(example, "graph.md", "exec"), {})
    assert 0 < int(capsys.readouterr().out.split()[0]) < 100  # of the page's 100 images


def test_commands_exist(capsys: pytest.CaptureFixture[str]) -> None:
    named = set(re.findall(r"genmix-da (\w+)", README.read_text()))
    assert {"adapt", "augment", "data"} <= named
    for command in named:
        assert main([command, "--help"]) == 0, command
