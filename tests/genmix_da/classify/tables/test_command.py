"""`genmix-da classify table`: real runs, as small as they get."""

from __future__ import annotations

import json
import shutil
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FILES = ("table.md", "table.csv", "runs.csv", "table.tex", "table.json")
PLOTS = ("overhead.png", "overhead.svg")
WHOLE = ("--methods", "none,mixup,genmix", "--seeds", "1,2")


@pytest.fixture(autouse=True)
def one_cache(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Images are decoded and edited once for all these tests."""
    monkeypatch.setenv("GENMIX_DA_CACHE", str(whole.parent / "cache"))


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    """The finished table, to be changed."""
    return shutil.copytree(whole, tmp_path / "copy")


def results(folder: Path) -> dict[tuple[str, str, int], dict[str, Any]]:
    """(method, data set, seed) -> what the run wrote."""
    found = {}
    for file in folder.glob("classification/*/*/result.json"):
        content = json.loads(file.read_text())
        found[content["method"], content["dataset"], content["seed"]] = content
    return found


def times(folder: Path) -> dict[str, int]:
    """When each file of a run was last written."""
    files = (file for file in (folder / "classification").rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): file.stat().st_mtime_ns for file in files}


def states(folder: Path, rows_of: Callable) -> dict[tuple[str, str], str]:
    """(method, column) -> state in the headline table of the last epoch."""
    place = {"block": "last", "metric": "top1", "source": "runs"}
    rows = [row for row in rows_of(folder) if place.items() <= row.items()]
    return {(row["method"], row["pair"]): row["state"] for row in rows}


def test_numbers_are_those_of_the_runs(whole: Path, rows_of: Callable) -> None:
    found = results(whole)
    assert len(found) == 2 * 3 * 2
    assert all((whole / name).is_file() for name in (*FILES, *PLOTS))
    compared = 0
    for row in rows_of(whole):
        if row["source"] != "runs" or row["pair"] == "Avg" or row["metric"] != "top1":
            continue
        scores = [found[row["method"], row["pair"], n]["scores"][row["block"]] for n in (1, 2)]
        assert float(row["mean"]) == pytest.approx(statistics.fmean(s["top1"] for s in scores))
        compared += 1
    assert compared == 2 * 3 * 2  # last and oracle
    assert len({content["scores"]["last"]["top1"] for content in found.values()}) > 2


def test_overheads_are_those_of_the_runs(whole: Path) -> None:
    found = results(whole)
    content = json.loads((whole / "table.json").read_text())
    (table,) = [table for table in content["tables"] if table["metric"] == "overhead"]
    rows = {row["method"]: row["cells"] for row in table["rows"]}
    assert set(rows) == {"mixup", "genmix[filters]"}

    def total(method: str) -> float:
        seconds = found[method, "Art", 1]["timing"]["seconds"]
        return float(seconds["generate"] + seconds["train"])

    wanted = (total("genmix[filters]") - total("none")) / total("none")
    assert rows["genmix[filters]"]["Art"]["values"]["1"] == pytest.approx(wanted)
    assert found["genmix[filters]", "Art", 1]["timing"]["seconds"]["generate"] > 0


def test_images_are_made_once_for_all_seeds(whole: Path) -> None:
    made = [path for path in (whole / "augmented").iterdir() if path.is_dir()]
    assert sorted(path.name.partition("-")[0] for path in made) == ["Art", "Clipart"]
    assert len(list((whole / "prepared").iterdir())) == 2 * 2  # edits and images of each


def test_again_does_nothing(table: Callable, copy: Path, rows_of: Callable) -> None:
    before, plots = times(copy), [(copy / name).read_bytes() for name in PLOTS]
    rows = rows_of(copy)
    again = table(*WHOLE, "--out", copy)
    assert again.code == 0, again.err
    assert times(copy) == before
    assert rows_of(copy) == rows
    assert [(copy / name).read_bytes() for name in PLOTS] == plots
    printed = table(*WHOLE, "--out", copy, "--json").json()
    assert printed == json.loads((copy / "table.json").read_text())


def test_another_seed_runs_that_seed_alone(table: Callable, copy: Path, rows_of: Callable) -> None:
    before = times(copy)
    assert table("--methods", "none,genmix", "--seeds", "1,2,3", "--out", copy).code == 0
    after = times(copy)
    assert {name: after[name] for name in before} == before
    made = {Path(name).parts[:3] for name in after if name not in before}
    assert len(made) == 4 and all("-seed3-" in parts[2] for parts in made)
    assert set(states(copy, rows_of).values()) == {"complete"}


def test_rows_with_other_settings(table: Callable, copy: Path, rows_of: Callable) -> None:
    rows = ("--methods", "genmix", "--ablation", "seam-width", "--seeds", "1", "--out", copy)
    said = table(*rows, "--dry-run", "--json").json()
    # A width of 20 is what GenMix has anyway: that run is there under its other name.
    assert len(said["run"]) == len(said["data"]) == 2 * 3
    assert said["edits"] == []  # seams are cut into finished edits
    assert table("--methods", "none,genmix:seam_width=0", "--seeds", "1", "--out", copy).code == 0
    methods = [row["method"] for row in rows_of(copy) if row["source"] == "difference"]
    assert set(methods) == {"genmix[filters]:seam_width=0 - none"}


def test_dry_run_writes_nothing(table: Callable, tmp_path: Path) -> None:
    out = tmp_path / "none"
    said = table(*WHOLE, "--out", out, "--dry-run")
    assert said.code == 0
    assert not out.exists()
    lines = [line.split() for line in said.out.splitlines() if "│" in line]
    jobs = {line[1]: (line[3], line[5]) for line in lines}
    assert jobs == {"edits": ("2", "2"), "data": ("2", "2"), "run": ("12", "12")}
    assert "hours" in said.out


def test_a_failing_job_costs_itself_alone(
    table: Callable, tmp_path: Path, rows_of: Callable
) -> None:
    out = tmp_path / "out"
    (out / "classification").mkdir(parents=True)
    (out / "classification" / "Art").write_text("in the way")
    outcome = table("--methods", "none,genmix", "--seeds", "1", "--out", out)
    assert outcome.code == 1
    failed = [line for line in outcome.err.splitlines() if line.startswith("failed: ")]
    assert [line.split(": ")[1] for line in failed] == [
        "Art none seed 1",
        "Art genmix[filters] seed 1",
    ]
    found = states(out, rows_of)
    assert found["none", "Clipart"] == found["genmix[filters]", "Clipart"] == "complete"
    assert found["none", "Art"] == found["none", "Avg"] == "incomplete"


def test_an_edited_record_is_named_and_not_counted(
    table: Callable, copy: Path, rows_of: Callable
) -> None:
    file = next(copy.glob("classification/Art/none-seed1-*/result.json"))
    content = json.loads(file.read_text())
    content["scores"]["last"]["top1"] = 0.987654321
    file.write_text(json.dumps(content))
    assert table(*WHOLE, "--out", copy).code == 0
    problems = json.loads((copy / "table.json").read_text())["problems"]
    assert [p["path"] for p in problems] == [str(file.relative_to(copy))]
    assert states(copy, rows_of)["none", "Art"] == "incomplete"
    assert "0.987654321" not in (copy / "table.csv").read_text()


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        (("--methods", "mixpu"), "did you mean 'mixup'"),
        (("--methods", "genmix:masks=up"), "no mask 'up'"),
        (("--ablation", "mask"), "did you mean 'masks'"),
        (("--seeds", "1,1"), "twice"),
        (("--seed", "3"), "--seeds"),
        (("--augment-option", "alpha=1"), "NAME:key=value"),
        (("--dataset", "x"), "fits one data set"),
        (("--data", ","), "--data"),
        (("--data", "/nowhere/a,/nowhere/b"), "neither a folder nor"),
        (("--budget", "time"), "steps, epochs"),
        (("--engine", "wrokers"), "did you mean workers"),
        (("--shard", "3/2"), "3/2"),
        (("--image-size", "1"), "--image-size is 1; it must be at least 8"),
        (("--image-size", "8", "--backbone", "resnet18", "--patches", "1"), "--patches"),
    ],
)
def test_mistakes_are_named(
    table: Callable, complaint: Callable, tmp_path: Path, options: tuple[str, ...], hint: str
) -> None:
    assert hint in complaint(table(*options, "--out", tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_two_data_sets_of_one_name(
    table: Callable, complaint: Callable, data: Path, tmp_path: Path
) -> None:
    twin = shutil.copytree(data / "Art", tmp_path / "Art")
    said = complaint(table("--data", f"{data / 'Art'},{twin}", "--out", tmp_path / "out"))
    assert "both called Art" in said


def test_one_bad_data_set_costs_itself_alone(
    table: Callable, data: Path, tmp_path: Path, rows_of: Callable
) -> None:
    empty = tmp_path / "Bare"
    (empty / "apple").mkdir(parents=True)
    options = ("--methods", "none", "--seeds", "1", "--out", tmp_path / "out")
    outcome = table("--data", f"{data / 'Art'},{empty}", *options)
    assert outcome.code == 1
    failed = [line for line in outcome.err.splitlines() if line.startswith("failed: ")]
    assert len(failed) == 1 and "no image under" in failed[0]
    found = states(tmp_path / "out", rows_of)
    assert (found["none", "Art"], found["none", "Bare"]) == ("complete", "incomplete")


@pytest.mark.slow
def test_workers_give_the_same_table(
    table: Callable, whole: Path, rows_of: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without made images: workers draw whole fractals, which the tests make small here alone."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    out = tmp_path / "out"
    given = ("--methods", "none,mixup", "--seeds", "1,2")
    outcome = table(*given, "--engine", "workers:2", "--out", out)
    assert outcome.code == 0, outcome.err

    def plain(folder: Path) -> list[dict[str, str]]:
        rows = [row for row in rows_of(folder) if row["source"] == "runs"]
        rows = [row for row in rows if row["method"] in ("none", "mixup")]
        return [
            {key: row[key] for key in ("method", "pair", "metric", "mean", "sd")} for row in rows
        ]

    assert plain(out) == plain(whole)
