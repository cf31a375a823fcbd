"""Which records are believed, and what is said about the others."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genmix_da.runs.seal import digest_of, seal
from genmix_da.tables.records import read_records

Content = dict[str, Any]
Write = Callable[[str, Content], Path]
Make = Callable[..., Content]
ONE, TWO = "1" * 16, "2" * 16


def test_reading_imports_no_torch() -> None:
    code = (
        "import sys, genmix_da.tables.summary, genmix_da.tables.files; print(sorted(sys.modules))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"torch", "lead.checkpoint", "timm", "yaml"}.isdisjoint(ast.literal_eval(out.stdout))


def test_a_seal_survives_json_and_layout_but_no_change() -> None:
    sealed = seal({"b": (1, 2), "a": {1: 0.1}, "ü": "\udcff"})
    assert sealed["b"] == [1, 2]
    assert sealed["a"] == {"1": 0.1}
    assert list(sealed)[-1] == "digest"
    again = json.loads(json.dumps(sealed, indent=4, sort_keys=True))
    assert digest_of(again) == again["digest"]
    assert seal(again) == sealed
    assert digest_of({**again, "a": {"1": 0.2}}) != again["digest"]
    with pytest.raises(ValueError, match="JSON"):
        seal({"score": float("nan")})


def test_records_at_any_depth_are_found(runs: Path, content: Make, write: Write) -> None:
    one = write("a", content(ONE))
    two = write("deep/er/b", content(TWO, status="failed", reason="no space", scores=None))
    (runs / "a" / ".result.json.host-1-00000000.tmp").write_text("half")
    (runs / "loop").symlink_to(runs)
    records, problems = read_records(runs)
    assert problems == []
    assert [(r.identity, r.path, r.status, r.reason) for r in records] == [
        (ONE, one, "done", None),
        (TWO, two, "failed", "no space"),
    ]
    assert records[0].content["scores"]["last"]["h_score"] == 0.7


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert read_records(tmp_path / "none") == ([], [])


def edited(text: str) -> str:
    assert "0.7" in text
    return text.replace("0.7", "0.9", 1)


def without_digest(text: str) -> str:
    record = json.loads(text)
    del record["digest"]
    return json.dumps(record)


def resealed(**changes: Any) -> Callable[[str], str]:
    return lambda text: json.dumps(seal(json.loads(text) | changes))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: text[: len(text) // 2], "half-written"),
        (lambda text: "", "half-written"),
        (lambda text: "[1, 2]", "not a record"),
        (lambda text: text.replace("0.7", "NaN", 1), "holds NaN"),
        (edited, "was edited"),
        (without_digest, "no digest"),
        (resealed(schema=2), "schema 2"),
        (resealed(schema=True), "schema True"),
        (resealed(identity=None), "no identity"),
        (resealed(status="finished"), "unknown status"),
        (resealed(seed="1"), "no seed"),
        (resealed(setting=None), "no setting"),
        (resealed(scores={"last": None}), "no scores"),
        (resealed(source_only={"h_score": 70.0}), "fraction"),
        (resealed(source_only=[1]), "not an object"),
    ],
)
def test_damaged_records_are_named_and_left_out(
    runs: Path, content: Make, write: Write, change: Callable[[str], str], reason: str
) -> None:
    write("good", content(TWO))
    path = write("bad", content(ONE))
    path.write_text(change(path.read_text()))
    records, problems = read_records(runs)
    assert [record.identity for record in records] == [TWO]
    assert [problem.path for problem in problems] == [path]
    assert reason in problems[0].reason


def test_bytes_that_are_no_text(runs: Path, content: Make, write: Write) -> None:
    write("bad", content(ONE)).write_bytes(b"\xff\xfe\x00{")
    records, problems = read_records(runs)
    assert records == []
    assert "not JSON" in problems[0].reason


def test_one_run_with_two_results_is_not_used(runs: Path, content: Make, write: Write) -> None:
    paths = [write("a", content(ONE, 0.7)), write("b", content(ONE, 0.71))]
    write("c", content(TWO))
    records, problems = read_records(runs)
    assert [record.identity for record in records] == [TWO]
    assert len(problems) == 1
    assert problems[0].path == paths[0]
    assert str(paths[1]) in problems[0].reason


def test_a_copy_of_a_result_counts_once(runs: Path, content: Make, write: Write) -> None:
    first = write("a", content(ONE, timing={"seconds": 1}))
    write("b", content(ONE, timing={"seconds": 2}))
    records, problems = read_records(runs)
    assert [record.path for record in records] == [first]
    assert problems == []


def test_a_finished_run_wins_over_an_unfinished_one(
    runs: Path, content: Make, write: Write
) -> None:
    write("a", content(ONE, status="incomplete"))
    write("b", content(ONE))
    records, _ = read_records(runs)
    assert [record.status for record in records] == ["done"]
