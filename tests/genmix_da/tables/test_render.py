"""Every format says the same numbers, marks what must be marked, and can be read back."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from genmix_da.adaptation.tables.published import published_rows
from genmix_da.tables.files import table_rows, write_tables
from genmix_da.tables.latex import latex
from genmix_da.tables.records import Problem
from genmix_da.tables.render import markdown, print_tables
from genmix_da.tables.summary import Summary, summarise
from office_home.published import PAIRS as PUBLISHED_PAIRS

DOMAINS = ("Art", "Clipart", "Product", "Real World")
TWELVE = [(a, b) for a in DOMAINS for b in DOMAINS if a != b]
GENMIX = "lead+genmix[filters]"
FILES = ["table.md", "table.csv", "runs.csv", "table.tex", "table.json"]
TITLES = (
    "last epoch (headline)",
    "selected without target labels",
    "oracle: epoch chosen by TARGET LABELS",
)


def terminal(summary: Summary, width: int = 100) -> str:
    console = Console(width=width, file=io.StringIO(), force_terminal=False)
    print_tables(summary, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def all_formats(summary: Summary, folder: Path) -> dict[str, str]:
    paths = write_tables(folder, summary)
    assert [path.name for path in paths] == FILES
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)  # nothing temporary
    texts = {path.name: path.read_text() for path in paths}
    return texts | {"terminal": " ".join(terminal(summary).split())}


@pytest.mark.parametrize("width", [60, 80, 100, 160])
def test_nothing_is_cut_off_in_the_terminal(bench: Any, width: int) -> None:
    bench.fill()
    out = terminal(bench.summary(), width)
    assert "…" not in out and "..." not in out
    assert max(map(len, out.splitlines())) <= width
    head = next(line for line in out.splitlines() if line.startswith("method"))
    assert "Ar2Cl" in head
    for column in (*PUBLISHED_PAIRS, "Avg"):
        assert column in out
    assert all(title in " ".join(out.split()) for title in TITLES)


def test_the_printed_numbers(bench: Any) -> None:
    for seed, score in ((1, 0.60), (2, 0.64)):
        bench.add("lead", TWELVE[0], seed, score)
        bench.add(GENMIX, TWELVE[0], seed, score + 0.1)
    bench.add("lead", TWELVE[1], 1, 0.5)
    bench.add("lead", TWELVE[1], 2, 0.5, recorded=False)
    summary = bench.summary()
    page = markdown(summary)
    assert "| lead | yes | yes | 62.0 ± 2.8 | inc. 1/2 | inc. 1/2 |" in page
    assert f"| {GENMIX} | yes | yes | **72.0** ± 2.8 | inc. 0/2 | inc. 0/2 |" in page
    assert f"| {GENMIX} - lead, last | +10.0 | - | incomplete | - |" in page
    out = terminal(summary)
    assert re.search(r"lead\s+yes\s+yes\s+62\.0±2\.8\s+inc\. 1/2\s+inc\. 1/2", out)
    assert "72.0±2.8*" in out
    assert r"\textbf{72.0} {\scriptsize $\pm$ 2.8}" in latex(summary)
    assert "Runs without a number: 3 not run." not in page  # GENMIX on the second pair is unwanted
    assert "Runs without a number: 1 not run." in page


def test_source_only_has_no_choice_of_epoch(bench: Any) -> None:
    bench.fill()
    page = markdown(bench.summary())
    assert page.count("source-only (no choice of epoch)") == 1
    oracle = page[page.index("TARGET LABELS") :]
    assert "source-only (no choice of epoch)" in oracle[: oracle.index("\n## ")]


def test_marks_and_provenance_stand_in_every_format(bench: Any, tmp_path: Path) -> None:
    bench.fill(TWELVE[:2], synthetic=True, dataset="mini")
    texts = all_formats(bench.summary(), tmp_path / "out")
    for name in ("table.md", "table.tex", "table.json", "terminal"):
        text = texts[name].replace("\\_", "_").replace("{-}", "-")
        assert re.search("the editor 'filters' stands in for a generative one", text, re.I), name
        assert "SYNTHETIC DATA" in text, name
    for name in ("table.csv", "runs.csv"):
        rows = list(csv.DictReader(io.StringIO(texts[name])))
        assert {row["synthetic"] for row in rows} == {"True"}
        ours = {row["stand_in"] for row in rows if row["method"].startswith(GENMIX)}
        assert ours == {"filters"}
        assert {row["stand_in"] for row in rows if row["method"] == "lead"} == {""}
    for name in ("table.md", "table.csv", "table.tex", "table.json", "terminal"):
        text = texts[name].replace("{-}", "-").replace("\\_", "_")
        for part in ("genmix-da 0.1.0", "a" * 10, "torch 2.9.0", "device cpu", "12 of 12 runs"):
            assert part in text, (name, part)
        assert re.search("config hash [0-9a-f]{16}", text), name
        assert "5" * 12 in text and "--pairs all" in text
    assert "genmix-da table --pairs all --note '50 % & more'" in texts["table.md"]


def test_csv_reads_back_as_the_numbers_of_json(bench: Any, tmp_path: Path) -> None:
    bench.fill()
    bench.add("undefined", TWELVE[0], 1, undefined=True)
    texts = all_formats(bench.summary(), tmp_path)
    content = json.loads(texts["table.json"])
    rows = list(csv.DictReader(io.StringIO(texts["table.csv"])))
    ours = {
        (row["setting"], row["block"], row["metric"], row["method"], row["pair"]): row
        for row in rows
        if row["source"] == "runs"
    }
    count = 0
    for table in content["tables"]:
        for line in table["rows"]:
            for column, cell in line["cells"].items():
                place = (table["setting"], table["block"], table["metric"], line["method"], column)
                row = ours[place]
                assert row["state"] == cell["state"]
                for name in ("mean", "sd"):
                    assert (float(row[name]) if row[name] else None) == cell[name]
                count += 1
    assert count == len(ours)
    values = {
        (r["block"], r["metric"], r["method"], r["pair"], r["seed"]): r["value"]
        for r in csv.DictReader(io.StringIO(texts["runs.csv"]))
    }
    for table in content["tables"]:
        for line in table["rows"]:
            for column, cell in line["cells"].items():
                for seed, value in cell["values"].items() if column != "Avg" else ():
                    text = values[table["block"], table["metric"], line["method"], column, seed]
                    assert (float(text) if text else None) == value
    differences = [row for row in rows if row["source"] == "difference" and row["pair"] == "Avg"]
    assert len(differences) == len(content["differences"]) == 3
    for row, item in zip(differences, content["differences"], strict=True):
        assert [float(row[key]) for key in ("mean", "low", "high")] == [
            item[key] for key in ("mean", "low", "high")
        ]


def test_published_rows_stand_beside_the_runs(bench: Any) -> None:
    bench.fill()
    bench.publish()
    summary = bench.summary()
    page = markdown(summary)
    line = next(line for line in page.splitlines() if line.startswith("| LEAD+GenMix (published)"))
    assert line.split(" | ")[1:4] == ["yes", "yes", "63.9"]  # source-free, clustering-free
    assert next(x for x in page.splitlines() if "GATE (publ" in x).split(" | ")[1:3] == ["-", "-"]
    assert next(x for x in page.splitlines() if "DANCE (publ" in x).split(" | ")[1:3] == [
        "no",
        "yes",
    ]
    assert "| DANCE [ViT-L14@336px] (published) |" in page
    assert line.split(" | ")[-1] == "77.2 |"
    assert "**" not in line
    assert "| GLC (published) |" in page
    assert "arXiv 2412.02366" in page
    best = [row for row in summary.tables[0].rows if row.cells["Ar2Re"].best]
    assert [row.method for row in best] == [GENMIX]  # though LEAD as printed is higher
    texts = [row for row in table_rows(summary) if row["state"] == "published"]
    assert all(row["source"].startswith("published: ") for row in texts)


def test_printed_averages_only_beside_all_twelve_pairs(bench: Any) -> None:
    bench.fill(TWELVE[:2])
    bench.publish()
    rows = bench.summary().published["opda"]
    assert rows
    assert all(row.cells["Avg"] is None for row in rows)
    assert set(rows[0].cells) == {"Ar2Cl", "Ar2Pr", "Avg"}


@pytest.mark.parametrize(
    "other", ["dataset", "split", "classes", "no classes", "synthetic", "nothing done"]
)
def test_no_published_rows_where_they_do_not_compare(bench: Any, other: str) -> None:
    bench.fill(TWELVE[:1])
    bench.publish()
    one = next(iter(bench.records.values())).content
    if other == "classes":
        sets = one["provenance"]["config"]["label_sets"]
        sets["shared"], sets["target_private"] = sets["target_private"], sets["shared"]
    elif other == "no classes":
        del one["provenance"]["config"]["label_sets"]
    elif other == "nothing done":
        bench.records.clear()
    else:
        one[other] = {"dataset": "mine", "split": [15, 0, 50], "synthetic": True}[other]
    summary = bench.summary()
    assert summary.published == {"opda": []}
    assert published_rows(list(summary.runs), ["Ar2Cl"]) == []


def test_hidden_differences_are_said(bench: Any) -> None:
    bench.fill(TWELVE[:1])
    first, second, *_ = [record.content["provenance"] for record in bench.records.values()]
    first["git_commit"] = "b" * 40 + "+dirty"
    first["packages"]["genmix-da"] = "0.2.0"
    second["config"]["batch_size"] = 32
    second["data"]["target"] = "8" * 64
    first["config"]["weights"] = "imagenet"
    notes = " ".join(bench.summary().notes)
    assert "differ in genmix-da: 0.1.0, 0.2.0" in notes
    assert f"differ in commit: {'a' * 10}, {'b' * 10}+dirty" in notes
    assert "uncommitted changes (+dirty)" in notes
    assert "differ in batch_size: 32, 64" in notes
    assert 'differ in weights: "imagenet", "none"' in notes
    assert "images of Clipart as target were not the same in all OPDA runs" in notes
    assert "differ in seed" not in notes and "differ in torch" not in notes


def test_failures_and_unused_files_are_named(bench: Any, tmp_path: Path) -> None:
    bench.add("lead", TWELVE[0], 1, status="failed", reason="the disk is full")
    bench.add("lead", TWELVE[0], 2)
    spare = dataclasses.replace(bench.records[f"{1:016x}"], identity="f" * 16)
    bench.records[spare.identity] = spare
    bad = Problem(tmp_path / "x" / "result.json", f"differs from {tmp_path}/y/result.json")
    summary = bench.summary((bad,), root=tmp_path)
    page = markdown(summary)
    assert "lead opda Ar2Cl seed 1: failed, the disk is full." in page
    assert "File not used: x/result.json differs from y/result.json." in page
    assert str(tmp_path) not in page
    assert "Records of other runs in the folder, not used: 1." in page
    assert "1 of 2 runs" in page


def test_a_table_without_a_single_run(bench: Any, tmp_path: Path) -> None:
    bench.add("lead", TWELVE[0], 1, recorded=False)
    texts = all_formats(bench.summary(), tmp_path)
    assert "inc. 0/1" in texts["table.md"]
    assert "H3-score has no value in any finished run" in texts["table.md"]


def test_nothing_wanted_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="at least one"):
        summarise([], [], command=[])


def test_names_are_escaped_in_markdown(bench: Any) -> None:
    bench.add("a|b_c*", TWELVE[0], 1)
    assert r"| a\|b\_c\* |" in markdown(bench.summary())
