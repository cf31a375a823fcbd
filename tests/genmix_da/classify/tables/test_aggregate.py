"""What tables of classifications show, on records made by hand."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from genmix_da.tables.files import write_tables
from genmix_da.tables.render import markdown


def test_columns_are_data_sets_under_their_full_names(bench: Any) -> None:
    for dataset in ("amazon", "amazonia"):
        for seed, top1 in ((1, 0.6), (2, 0.7)):
            bench.add(dataset, "none", seed, top1=top1)
    table = bench.table()
    assert table.columns == ("amazon", "amazonia", "Avg")
    cell = bench.cell("none", "amazon")
    assert cell.mean == pytest.approx(0.65)
    assert cell.sd == pytest.approx(0.1 / 2**0.5)
    page = markdown(bench.summary())
    assert "Classification, top-1 accuracy, last epoch (headline), 2 seeds" in page
    assert "oracle: epoch chosen by TEST LABELS" in page
    assert "mean over all data sets" in page
    assert "differ in dataset" not in page and "differ in classes" not in page


def test_a_validation_part_adds_a_table(bench: Any) -> None:
    bench.add("a", "none")
    assert {t.block for t in bench.summary().tables} == {"last", "oracle"}
    scores = bench.records[0].content["scores"]
    scores["selected"] = scores["oracle"]
    assert bench.table(block="selected").rows[0].cells["a"].mean == pytest.approx(0.75)


def test_every_method_minus_none(bench: Any) -> None:
    gains = {"mixup": (0.02, -0.04), "genmix[filters]": (0.1, 0.06)}
    for place, dataset in enumerate(("a", "b")):
        for seed in (1, 2):
            base = 0.5 + 0.1 * seed
            bench.add(dataset, "none", seed, top1=base)
            for method, gain in gains.items():
                bench.add(dataset, method, seed, top1=base + gain[place])
    found = {item.method: item for item in bench.summary().differences if item.block == "last"}
    assert set(found) == set(gains)
    assert all(item.baseline == "none" for item in found.values())
    assert found["mixup"].columns == pytest.approx({"a": 0.02, "b": -0.04})
    assert found["mixup"].mean == pytest.approx(-0.01)
    # Two data sets have four equally likely resamples, so that the interval is both of them.
    assert (found["mixup"].low, found["mixup"].high) == pytest.approx((-0.04, 0.02))
    notes = " ".join(bench.summary().notes)
    assert "bootstrap over data sets" in notes and "no sample of all data sets" in notes


def test_one_data_set_has_no_interval(bench: Any) -> None:
    bench.add("a", "none", top1=0.5)
    bench.add("a", "mixup", top1=0.6)
    (found, _) = bench.summary().differences
    assert (found.mean, found.low, found.high) == (pytest.approx(0.1), None, None)
    assert "bootstrap" not in " ".join(bench.summary().notes)


def test_the_baseline_of_adversarial_training(bench: Any) -> None:
    bench.add("a", "none (adversarial)", top1=0.5)
    bench.add("a", "mixup (adversarial)", top1=0.6, train=12.0)
    assert bench.summary().differences[0].baseline == "none (adversarial)"
    assert bench.cell("mixup (adversarial)", "a", "overhead").mean == pytest.approx(0.2)


def test_the_smallest_error_is_the_best(bench: Any) -> None:
    bench.add("a", "none", fgsm=0.9, top1=0.9)
    bench.add("a", "mixup", fgsm=0.4, top1=0.6)
    best = {row.method: row.cells["a"].best for row in bench.table("fgsm_error").rows}
    assert best == {"none": False, "mixup": True}
    assert bench.cell("none", "a").best
    assert "radius 8/255 in pixels" in " ".join(bench.summary().notes)


def test_without_an_attack_there_is_a_line_instead(bench: Any) -> None:
    bench.add("a", "none")
    page = markdown(bench.summary())
    assert "Classification: FGSM error has no value in any finished run" in page
    assert "misclassified after" not in page


def test_overhead_is_paired_by_data_set_and_seed(bench: Any) -> None:
    times = {("a", 1): 10.0, ("a", 2): 20.0, ("b", 1): 40.0, ("b", 2): 80.0}
    for (dataset, seed), plain in times.items():
        bench.add(dataset, "none", seed, train=plain)
        bench.add(dataset, "genmix[filters]", seed, train=plain * 1.1, generate=plain * seed)
    # Seed 1: (1.1 + 1 - 1) / 1 = 110 %, seed 2: 210 %; the same on both data sets.
    cell = bench.cell("genmix[filters]", "a", "overhead")
    assert cell.values == pytest.approx({1: 1.1, 2: 2.1})
    assert (cell.mean, cell.sd) == pytest.approx((1.6, 0.5**0.5))
    assert bench.cell("genmix[filters]", "Avg", "overhead").mean == pytest.approx(1.6)
    assert [row.method for row in bench.table("overhead").rows] == ["genmix[filters]"]
    page = markdown(bench.summary())
    assert "| genmix\\[filters] |" in page or "| genmix[filters] |" in page
    assert "Classification, augmentation overhead AO(%), 2 seeds" in page
    assert "measured on cpu" in page and "Runs side by side" in page


def test_overhead_waits_for_its_baseline(bench: Any) -> None:
    bench.add("a", "none", 1)
    bench.add("a", "none", 2, recorded=False)
    for seed in (1, 2):
        bench.add("a", "mixup", seed, train=11.0)
    assert bench.cell("mixup", "a").state == "complete"
    cell = bench.cell("mixup", "a", "overhead")
    assert (cell.state, cell.values) == ("incomplete", pytest.approx({1: 0.1}))


def test_no_baseline_no_overhead(bench: Any) -> None:
    bench.add("a", "mixup", train=11.0)
    assert bench.cell("mixup", "a", "overhead").state == "n/a"
    assert not any("AO(%) =" in note for note in bench.summary().notes)


def test_runs_that_were_not_timed_have_no_overhead(bench: Any) -> None:
    bench.add("a", "none", timing=None)
    bench.add("a", "mixup", train=11.0)
    assert bench.cell("mixup", "a", "overhead").mean is None


def test_files_hold_overheads_and_fingerprints(bench: Any, tmp_path: Path) -> None:
    bench.add("a", "none", train=10.0)
    bench.add("a", "mixup", train=12.5)
    write_tables(tmp_path, bench.summary())
    rows = list(csv.DictReader(io.StringIO((tmp_path / "runs.csv").read_text())))
    (cost,) = [row for row in rows if row["metric"] == "overhead"]
    assert (cost["method"], float(cost["value"])) == ("mixup", 0.25)
    assert (cost["source_data"], cost["target_data"]) == ("1" * 64, "2" * 64)
    content = json.loads((tmp_path / "table.json").read_text())
    assert content["bootstrap"]["clusters"] == "data sets"
    assert content["block_titles"]["oracle"].endswith("TEST LABELS")
    assert "threshold" not in content["provenance"]["line"]
    assert r"TEST LABELS" in (tmp_path / "table.tex").read_text()


def test_changed_images_are_said(bench: Any) -> None:
    bench.add("a", "none")
    bench.add("a", "mixup")
    bench.records[0].content["provenance"]["data"]["test"] = "3" * 64
    notes = " ".join(bench.summary().notes)
    assert "the images of a as test images were not the same in all Classification runs" in notes
