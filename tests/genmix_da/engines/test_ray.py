"""A Ray that a command starts by itself, and a machine without Ray."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from engine_cases import HERE
from engine_jobs import work
from genmix_da.engines.choose import parse_engine
from genmix_da.errors import UserError


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")
def test_a_ray_of_its_own_is_quiet_about_losses(script: list[str], tmp_path: Path) -> None:
    done = subprocess.run(
        [*script, "ray", str(tmp_path), "die"],
        env=os.environ | {"PYTHONPATH": HERE},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout == "lost\n"
    assert len(done.stderr.splitlines()) == 2  # attempts 2 and 3


def test_without_ray_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match=r"pip install 'genmix-da\[ray\]'"):
        list(parse_engine("ray").run(work, []))
