"""Means, deviations, averages and the best of a column, against numbers worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from genmix_da.tables.aggregate import build_tables, match_runs
from genmix_da.tables.columns import short_domains

PAIRS = (("Art", "Clipart"), ("Clipart", "Art"))


def test_mean_deviation_and_average(bench: Any) -> None:
    for seed, (first, second) in {1: (0.60, 0.40), 2: (0.64, 0.50), 3: (0.62, 0.30)}.items():
        bench.add("lead", PAIRS[0], seed, first)
        bench.add("lead", PAIRS[1], seed, second)
    assert bench.table().columns == ("Ar2Cl", "Cl2Ar", "Avg")
    cell = bench.cell("lead", "Ar2Cl")
    assert cell.mean == pytest.approx(0.62)
    assert cell.sd == pytest.approx(0.02)  # deviations -0.02, 0.02, 0: sqrt(0.0008 / 2)
    assert cell.values == {1: 0.60, 2: 0.64, 3: 0.62}
    average = bench.cell("lead", "Avg")
    # Means over pairs: 0.50, 0.57, 0.46; their mean 0.51, deviations -0.01, 0.06, -0.05.
    assert average.values == pytest.approx({1: 0.50, 2: 0.57, 3: 0.46})
    assert average.mean == pytest.approx(0.51)
    assert average.sd == pytest.approx((0.0062 / 2) ** 0.5)


def test_one_seed_has_no_deviation(bench: Any) -> None:
    bench.add("lead", PAIRS[0], 1, 0.6)
    assert bench.cell("lead", "Ar2Cl").mean == 0.6
    assert bench.cell("lead", "Ar2Cl").sd is None
    assert bench.cell("lead", "Avg").sd is None
    assert not bench.cell("lead", "Avg").best  # nothing to be better than


@pytest.mark.parametrize("status", ["missing", "failed", "incomplete"])
def test_a_missing_seed_is_never_averaged_over(bench: Any, status: str) -> None:
    for seed in (1, 2, 3):
        bench.add("lead", PAIRS[0], seed, 0.6)
        bench.add("other", PAIRS[0], seed, 0.1)
        gone = seed == 2
        changes = {"status": status, "reason": "why"} if gone and status != "missing" else {}
        bench.add("lead", PAIRS[1], seed, recorded=not gone or status != "missing", **changes)
        bench.add("other", PAIRS[1], seed, 0.1)
    for column, done in (("Cl2Ar", 2), ("Avg", 2)):
        cell = bench.cell("lead", column)
        assert (cell.state, cell.mean, cell.sd, cell.best) == ("incomplete", None, None, False)
        assert (len(cell.values), cell.seeds) == (done, 3)
    assert bench.cell("lead", "Ar2Cl").best
    assert not bench.cell("other", "Ar2Cl").best
    state = next(
        run.state
        for run in match_runs(bench.wanted, bench.records)
        if (run.wanted.method, run.column, run.wanted.seed) == ("lead", "Cl2Ar", 2)
    )
    assert state == ("not run" if status == "missing" else status)


def test_a_method_without_this_setting_is_not_applicable(bench: Any) -> None:
    bench.add("lead", PAIRS[0], 1)
    bench.add("open-set only", PAIRS[0], 1, undefined=True)
    cell = bench.cell("open-set only", "Ar2Cl")
    assert (cell.state, cell.mean) == ("n/a", None)
    assert bench.cell("open-set only", "Avg").state == "n/a"


def test_a_score_without_a_value_is_not_applicable(bench: Any) -> None:
    bench.add("lead", PAIRS[0], 1, None)
    bench.add("lead", PAIRS[1], 1, 0.6)
    assert bench.cell("lead", "Ar2Cl").state == "n/a"
    assert bench.cell("lead", "Cl2Ar").state == "complete"
    assert bench.cell("lead", "Avg").state == "n/a"
    assert bench.cell("lead", "Ar2Cl", metric="h3_score").state == "n/a"
    assert bench.cell("lead", "Avg", metric="auroc").mean == pytest.approx(0.9)


def test_the_best_is_marked_as_printed(bench: Any) -> None:
    for method, score in (("a", 0.7004), ("b", 0.6996), ("c", 0.6994)):
        bench.add(method, PAIRS[0], 1, score)
    best = [row.cells["Ar2Cl"].best for row in bench.table().rows]
    assert best == [True, True, False]  # 70.0, 70.0, 69.9


def test_blocks_are_told_apart(bench: Any) -> None:
    bench.add("lead", PAIRS[0], 1, 0.6)
    bench.add("source-only", PAIRS[0], 1, 0.6)
    for block, value in (("last", 0.6), ("selected", 0.5), ("oracle", 0.7)):
        assert bench.cell("lead", "Ar2Cl", block=block).mean == pytest.approx(value)
        assert bench.cell("source-only", "Ar2Cl", block=block).mean == pytest.approx(0.4)
    assert [row.no_epochs for row in bench.table().rows] == [False, True]


def test_pda_reports_accuracy(bench: Any) -> None:
    bench.add("lead", PAIRS[0], 1, None, setting="pda")
    table = bench.table(metric="known_accuracy", setting="pda")
    assert table.is_headline
    assert table.rows[0].cells["Ar2Cl"].mean == 0.5


def test_settings_and_methods_keep_their_order(bench: Any) -> None:
    for setting in ("pda", "opda"):
        for method in ("z", "a"):
            bench.add(method, PAIRS[0], 1, setting=setting)
    tables = build_tables(match_runs(bench.wanted, bench.records))
    assert list(dict.fromkeys(table.setting for table in tables)) == ["pda", "opda"]
    assert all([row.method for row in table.rows] == ["z", "a"] for table in tables)


@pytest.mark.parametrize(
    "wrong", [{"seed": 9}, {"setting": "osda"}, {"source": "Product"}, {"target": "Product"}]
)
def test_a_record_of_another_run_is_not_used(bench: Any, wrong: dict[str, Any]) -> None:
    bench.add("lead", PAIRS[0], 1)
    record = bench.records["0" * 16]
    record.content.update(wrong)
    (run,) = match_runs(bench.wanted, bench.records)
    assert (run.state, run.record) == ("excluded", None)
    assert next(iter(wrong)) in str(run.reason)


def test_a_run_wanted_twice_with_two_identities_is_a_mistake(bench: Any) -> None:
    bench.add("lead", PAIRS[0], 1)
    bench.add("lead", PAIRS[0], 1)
    with pytest.raises(ValueError, match="two different runs"):
        match_runs(bench.wanted, bench.records)


def test_domains_are_short_and_different() -> None:
    names = short_domains(["Amazon", "Webcam", "DSLR", "Caltech"])
    assert names == {"Amazon": "A", "Caltech": "C", "DSLR": "D", "Webcam": "W"}
    assert short_domains(["Real World", "Art"]) == {"Real World": "Re", "Art": "Ar"}
    assert short_domains(["train", "test"]) == {"train": "tr", "test": "te"}
    assert short_domains(["Ab", "Abc"]) == {"Ab": "Ab", "Abc": "Abc"}
    assert short_domains(["/a/photos", "/b/photos"]) == {
        "/a/photos": "/a/photos",
        "/b/photos": "/b/photos",
    }
    assert short_domains(["Art", "shots/mine"])["shots/mine"] == "m"
