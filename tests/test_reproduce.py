"""The scripts that reproduce tables: one runs, the other says what the published tables say."""

from __future__ import annotations

import csv
import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from office_home.counts import class_counts
from office_home.published import published_table

SCRIPTS = Path(__file__).parents[1] / "scripts"
OFFICE_HOME, MINI = SCRIPTS / "reproduce_officehome.sh", SCRIPTS / "reproduce_mini.sh"
SMALL = (
    *("--pairs", "Ar2Cl", "--seeds", "1", "--source-epochs", "1", "--epochs", "1"),
    *("--image-size", "32", "--edit-size", "32", "--per-image", "1"),
    *("--cluster-estimator", "features", "--lambda", "0", "--weights", "none"),
)


FEWER_DRAWN = """\
#!{python}
from genmix_da.cli import main
from office_home.mini import catalogue

catalogue.FEWEST, catalogue.MOST = 3, 5
if __name__ == "__main__":
    main()
"""


@pytest.fixture
def fewer_drawn(tmp_path: Path) -> Path:
    """A folder with a `genmix-da` that draws a tenth of the images; all of them take a minute."""
    command = tmp_path / "bin" / "genmix-da"
    command.parent.mkdir()
    command.write_text(FEWER_DRAWN.format(python=sys.executable))
    command.chmod(0o755)
    return command.parent


def call(
    script: Path, *arguments: object, command: Path = Path(sys.executable).parent
) -> subprocess.CompletedProcess[str]:
    """The script with the `genmix-da` of a folder: this environment's, where none is named."""
    path = f"{command}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", str(script), *(str(argument) for argument in arguments)],
        env=os.environ | {"PATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as handle:
        return list(csv.DictReader(handle))


@pytest.mark.slow
def test_mini_table_is_complete(tmp_path: Path, fewer_drawn: Path) -> None:
    done = call(MINI, tmp_path / "table", *SMALL, command=fewer_drawn)
    assert done.returncode == 0, done.stderr
    assert 288 <= len(list((tmp_path / "cache").rglob("[0-9]*.jpg"))) <= 480  # the drawn ones
    runs = rows(tmp_path / "table" / "runs.csv")
    assert {run["state"] for run in runs} == {"done"}
    cells = [row for row in rows(tmp_path / "table" / "table.csv") if row["source"] == "runs"]
    methods = {"source-only", "lead", "lead+genmix[filters]"}
    methods |= {f"{method}+graph" for method in methods}
    assert {(cell["method"], cell["pair"]) for cell in cells} == {
        (method, column) for method in methods for column in ("Ar2Cl", "Avg")
    }
    assert {cell["state"] for cell in cells} == {"complete"}
    assert {(cell["n"], cell["wanted"]) for cell in cells} == {("1", "1")}
    assert {cell["synthetic"] for cell in cells} == {"True"}


@pytest.mark.parametrize("setting", ["opda", "osda", "pda"])
def test_expected_averages_are_the_published_ones(setting: str) -> None:
    (line,) = re.findall(rf"^#   {setting} .*$", OFFICE_HOME.read_text(), re.MULTILINE)
    published = published_table(setting)["average_printed"]
    expected = [published[name] for name in ("Source-only", "LEAD", "LEAD+GenMix")]
    assert [float(value) for value in line.split()[-3:]] == expected


def test_office_home_script_plans_with_what_it_is_given(tmp_path: Path) -> None:
    """Its own options are understood: what stops it is the folder that is not there."""
    done = call(OFFICE_HOME, tmp_path / "nowhere", tmp_path / "out", "--dry-run")
    assert done.returncode == 2
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def made_up_office_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every class, domain and count of Office-Home, each image one pixel of another colour."""
    root, colours = tmp_path_factory.mktemp("OfficeHome"), itertools.count()
    for name, counts in class_counts().iterrows():
        for domain, count in counts.items():
            folder = root / str(domain) / str(name)
            folder.mkdir(parents=True)
            for number in range(count):
                colour = np.uint8([[[*divmod(next(colours), 256), 7]]])
                (folder / f"{number:05}.png").write_bytes(cv2.imencode(".png", colour)[1].tobytes())
    return root


CHEAP = (
    *("--backbone", "timm:test_efficientnet", "--weights", "none", "--image-size", "32"),
    *("--source-epochs", "1", "--epochs", "1", "--device", "cpu", "--method-arg", "steps=2"),
    *("--editor", "filters", "--features", "off", "--edit-size", "32", "--per-image", "1"),
    *("--cluster-estimator", "features", "--seeds", "1", "--no-graph"),
)


@pytest.mark.slow
def test_office_home_script_plans_and_runs(made_up_office_home: Path, tmp_path: Path) -> None:
    """All it would do is planned; then one pair runs, as it would: every layer is trained."""
    out = tmp_path / "out"
    planned = call(OFFICE_HOME, made_up_office_home, out, *CHEAP, "--dry-run")
    assert planned.returncode == 0, planned.stderr
    methods = re.findall(r"^methods=(.*)$", OFFICE_HOME.read_text(), re.MULTILINE)[0].split(",")
    columns, undefined = 36, 24  # 12 pairs in three settings; shot-o has one of these
    jobs = {kind: int(n) for kind, n in re.findall(r"│ (\w+) +│ +(\d+) │", planned.stdout)}
    assert jobs["adapt"] == columns * len(methods) - undefined
    assert jobs["source"] == 4 * 3 * 2  # domains, settings, with and without GenMix
    assert re.search(r"about [\d.]+ (hours|minutes|days)", planned.stdout)
    ran = call(
        OFFICE_HOME, made_up_office_home, out, *CHEAP, "--pairs", "Cl2Ar", "--setting", "osda"
    )
    assert ran.returncode == 0, ran.stderr
    table = rows(out / "table.csv")
    last = [row for row in table if (row["metric"], row["block"]) == ("h_score", "last")]
    own = {row["method"] for row in last if row["source"] == "runs" and row["state"] == "complete"}
    assert own == {*methods, "lead+genmix[filters]"} - {"lead+genmix"}
    printed = {row["method"] for row in last if row["source"] != "runs"}
    assert {"OVANet", "DANCE", "LEAD", "LEAD+GenMix"} <= printed
    runs_made = rows(out / "runs.csv")
    assert {run["state"] for run in runs_made} == {"done"}


@pytest.mark.parametrize("script", [OFFICE_HOME, MINI])
def test_usage_without_arguments(script: Path) -> None:
    done = call(script)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: ")
