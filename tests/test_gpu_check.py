"""The check for whoever has a card, run small on the CPU: that it works, and what it leaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

SCRIPT = Path(__file__).parents[1] / "scripts" / "gpu_check.sh"


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason="a card is there: run it by hand")
def test_it_runs_without_a_card(tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", str(SCRIPT), "--minutes", "20"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHON": sys.executable, "GENMIX_DA_CACHE": str(tmp_path / "cache")},
        timeout=900,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "gpu_check.json").read_text())
    assert found["tiny"] and found["machine"] == "CPU"
    assert all(found[part]["code"] == 0 for part in ("tests", "adapt", "decode", "edit"))
    assert "passed" in found["tests"]["summary"] and "failed" not in found["tests"]["summary"]
    assert found["adapt"]["found"]["ratio"] > 0 and found["decode"]["images_per_s"] > 0
    page = (tmp_path / "gpu_check.md").read_text()
    assert "nothing here is a speed of anything" in page
    assert page.count("| well |") == 4
    assert "times what the epoch takes" in page
    # The part that a card runs: the stock loop, ours at batch sizes, the share of the matrix rate.
    edit = page.partition("## edit")[2]
    assert "| 20 x 3 | 1 |" in edit
    assert "share of the matrix rate, 100 x 3 | 40% |" in edit
