"""`genmix-da table` where something is wrong: damaged records, failing jobs, mistyped options."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

Options = tuple[object, ...]
pytestmark = pytest.mark.usefixtures("one_cache")
PAIRS = ("--pairs", "Ar2Cl,Ar2Pr")
WHOLE = (*PAIRS, "--methods", "source-only,lead,lead+genmix", "--seeds", "1,2")


@pytest.mark.parametrize("score", ["edited", "half-written"])
def test_a_damaged_record_is_named_and_not_counted(
    table: Callable, headline: Callable, copy: Path, score: str
) -> None:
    file = next(copy.glob("opda/Ar2Cl/lead-seed1-*/result.json"))
    text = file.read_text()
    if score == "edited":
        content = json.loads(text)
        content["scores"]["last"]["h_score"] = 0.987654321
        file.write_text(json.dumps(content))
    else:
        file.write_text(text[: len(text) // 2])
    outcome = table(*WHOLE, "--out", copy)
    assert outcome.code == (0 if score == "edited" else 1)
    name = str(file.relative_to(copy))
    assert name in (copy / "table.md").read_text()
    problems = json.loads((copy / "table.json").read_text())["problems"]
    assert [problem["path"] for problem in problems] == [name]
    assert score in problems[0]["reason"]
    found = headline(copy)
    assert found["lead", "Ar2Cl"] == found["lead", "Avg"] == "incomplete"
    assert found["lead", "Ar2Pr"] == found["lead+genmix[filters]", "Avg"] == "complete"
    assert "0.987654321" not in (copy / "table.csv").read_text()
    shutil.rmtree(file.parent)  # what the user is told to do mends it
    assert table(*WHOLE, "--out", copy).code == 0
    assert set(headline(copy).values()) == {"complete"}


def test_a_failing_job_costs_itself_alone(
    table: Callable, headline: Callable, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    (out / "opda").mkdir(parents=True)
    (out / "opda" / "Ar2Cl").write_text("in the way")
    outcome = table(*PAIRS, "--methods", "lead", "--seeds", "1", "--out", out)
    assert outcome.code == 1
    failed = [line for line in outcome.err.splitlines() if line.startswith("failed: ")]
    assert len(failed) == 1
    assert failed[0].startswith("failed: Ar2Cl opda lead seed 1: a file is in the way")
    states = {"Ar2Cl": "incomplete", "Ar2Pr": "complete", "Avg": "incomplete"}
    assert headline(out) == {
        (method, column): state
        for method in ("lead", "lead+graph")
        for column, state in states.items()
    }
    (out / "opda" / "Ar2Cl").unlink()
    assert table(*PAIRS, "--methods", "lead", "--seeds", "1", "--out", out).code == 0


def test_a_failing_source_costs_its_runs(
    table: Callable, headline: Callable, tmp_path: Path
) -> None:
    pairs = ("--pairs", "Ar2Cl,Pr2Cl", "--methods", "lead", "--seeds", "1")
    out = tmp_path / "out"
    assert table(*pairs, "--out", tmp_path / "first").code == 0
    (folder,) = (tmp_path / "first" / "sources").glob("Art-*")
    (out / "sources").mkdir(parents=True)
    (out / "sources" / folder.name).write_text("in the way")
    outcome = table(*pairs, "--out", out)
    assert outcome.code == 1
    failed = [line for line in outcome.err.splitlines() if line.startswith("failed: ")]
    assert len(failed) == 2
    assert "source model of Art" in failed[0]
    assert "Ar2Cl opda lead seed 1: not started: a file is in the way" in failed[1]
    assert headline(out)["lead", "Pr2Cl"] == "complete"


def test_a_domain_with_too_few_images(
    table: Callable, headline: Callable, data: Path, make_data: Callable, tmp_path: Path
) -> None:
    root = shutil.copytree(data, tmp_path / "three")
    make_data(root, ("Zoo",), count=1)
    options = ("--data", root, "--methods", "source-only", "--seeds", "1", "--out", tmp_path / "t")
    outcome = table("--pairs", "Ar2Cl,Ar2Zoo", *options)
    assert outcome.code == 1
    failed = [line for line in outcome.err.splitlines() if line.startswith("failed: ")]
    assert len(failed) == 1
    assert failed[0].startswith("failed: Ar2Zoo opda: ")
    assert "batch" in failed[0]
    found = headline(tmp_path / "t")
    assert found["source-only", "Ar2Cl"] == "complete"
    assert "incomplete" in found.values()
    assert table("--pairs", "Ar2Zoo", *options).code == 2  # nothing at all can be done


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        (("--pairs", "Ar2Clip2"), "Clipart"),
        (("--pairs", "Ar2Ar"), "source and target"),
        (("--methods", "laed"), "did you mean 'lead'"),
        (("--setting", "opdaa"), "did you mean 'opda'"),
        (("--seeds", "1,two"), "1,2,3"),
        (("--seeds", "1,1"), "twice"),
        (("--augment", "none"), "--methods"),
        (("--seed", "3"), "--seeds"),
        (("--engine", "wrokers"), "did you mean workers"),
        (("--shard", "3/2"), "3/2"),
        (("--split", "9/9/9"), "9"),
    ],
)
def test_mistakes_are_named(
    table: Callable, complaint: Callable, tmp_path: Path, options: Options, hint: str
) -> None:
    assert hint in complaint(table(*options, "--out", tmp_path / "out"))
    assert not (tmp_path / "out").exists()
