"""scripts/results_tables.py on a table of four runs that is averaged by hand."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "results_tables.py"
# Method, pair, seed, H-score; two seeds on two pairs.
RUNS = [
    *(("lead", "A2B", 1, 0.50), ("lead", "A2B", 2, 0.60)),
    *(("lead", "A2C", 1, 0.70), ("lead", "A2C", 2, 0.80)),
    *(("dance", "A2B", 1, 0.60), ("dance", "A2B", 2, 0.70)),
    *(("dance", "A2C", 1, 0.60), ("dance", "A2C", 2, 0.60)),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    head = "setting,block,metric,method,pair,seed,value,state,identity\n"
    rows = [
        f"opda,last,h_score,{method},{pair},{seed},{value},done,{number}\n"
        for number, (method, pair, seed, value) in enumerate(RUNS)
    ]
    missing = "opda,last,h_score,lead,A2D,1,,missing,99\n"
    (tmp_path / "runs.csv").write_text(head + "".join(rows) + missing)
    for number in range(len(RUNS)):
        seconds = {"source": 100, "features": 50, "prepare": 1, "target_train": number}
        run = tmp_path / f"run{number}"
        run.mkdir()
        record = {"identity": number, "timing": {"seconds": seconds}}
        (run / "result.json").write_text(json.dumps(record))
    return tmp_path


def printed(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_averages_columns_and_differences(folder: Path) -> None:
    """Seeds of lead average to 60 and 70, of dance to 60 and 65."""
    done = printed(folder, "--by", "last:h_score", "--against", "lead")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "## OPDA"
    assert "| method | last:h_score | seconds |" in lines  # no column for what is not there
    assert "| lead | 65.0 ± 7.1 | 2.5 |" in lines
    assert "| dance | 62.5 ± 3.5 | 6.5 |" in lines
    assert "| method | A2B | A2C | Avg |" in lines
    assert "| lead | 55.0 | 75.0 | 65.0 |" in lines
    assert "| dance | 65.0 | 60.0 | 62.5 |" in lines
    assert "dance: -2.5, above on 1 of 2" in lines


def test_a_folder_without_a_table(tmp_path: Path) -> None:
    done = printed(tmp_path)
    assert done.returncode == 1
    assert "has no runs.csv; give the folder of a table." in done.stderr


def test_one_table_of_columns_average_and_overhead(folder: Path) -> None:
    """Seeds of lead on A2B are 50 and 60; AO's median of -10, 20 and 35 % is 20."""
    overhead = folder / "overhead.csv"
    rows = [("none", 0), ("lead", -0.1), ("lead", 0.35), ("lead", 0.2)]
    overhead.write_text("method,overhead\n" + "".join(f"{name},{ao}\n" for name, ao in rows))
    words = ("--by", "last:h_score", "--one", "--overhead", overhead, "--against", "dance")
    done = printed(folder, *words)
    assert done.returncode == 0, done.stderr
    assert "| method | A2B | A2C | Avg | AO(%) |" in done.stdout
    assert "| lead | 55.0 ± 7.1 | 75.0 ± 7.1 | 65.0 ± 7.1 | 20 |" in done.stdout
    assert "| dance | 65.0 ± 7.1 | 60.0 ± 0.0 | 62.5 ± 3.5 |  |" in done.stdout
    assert "lead: +2.5, above on 1 of 2" in done.stdout
