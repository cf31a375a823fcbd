"""Paired differences, and intervals on cases whose answer is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from genmix_da.tables.difference import baselines_of, differences, interval

PAIRS = (("Art", "Clipart"), ("Clipart", "Art"), ("Art", "Product"))
GENMIX = "lead+genmix[filters]"


@pytest.mark.parametrize(
    ("method", "baseline"),
    [
        ("lead+genmix[filters]", "lead"),
        ("lead+genmix", "lead"),
        ("source-only+genmix[diffusers:a/b]", "source-only"),
        ("lead (frozen)+genmix[filters]", "lead (frozen)"),
        ("lead+genmix[filters] (frozen)", "lead (frozen)"),
        ("lead+genmix[filters] lambda 0.1", "lead"),
        ("lead", None),
        ("other+genmix[filters]", None),
    ],
)
def test_what_is_compared_with_what(method: str, baseline: str | None) -> None:
    found = baselines_of(method, ["lead", "lead (frozen)", "source-only"])
    assert found == ([] if baseline is None else [baseline])


def test_the_graph_step_is_compared_with_the_method_and_genmix_with_the_step() -> None:
    rows = ["lead (frozen)", "lead+graph (frozen)", f"{GENMIX} (frozen)"]
    assert baselines_of("lead+graph (frozen)", rows) == ["lead (frozen)"]
    assert baselines_of(f"{GENMIX}+graph (frozen)", rows) == [
        "lead+graph (frozen)",
        f"{GENMIX} (frozen)",
    ]


def test_differences_are_paired_and_signed(bench: Any) -> None:
    gains = {1: (0.10, 0.02, -0.01), 2: (0.00, 0.06, -0.05)}
    for seed, by_pair in gains.items():
        for pair, gain in zip(PAIRS, by_pair, strict=True):
            base = 0.5 + 0.1 * seed
            bench.add("lead", pair, seed, base)
            bench.add(GENMIX, pair, seed, base + gain)
    (found,) = differences(bench.table())
    assert (found.method, found.baseline, found.state) == (GENMIX, "lead", "complete")
    # Means of each pair over seeds 0.05, 0.04, -0.03; of all 0.02.
    assert found.columns == pytest.approx({"Ar2Cl": 0.05, "Cl2Ar": 0.04, "Ar2Pr": -0.03})
    assert found.mean == pytest.approx(0.02)
    # Three pairs have 27 equally likely resamples: 1/27 > 2.5 % gives both extremes.
    assert (found.low, found.high) == pytest.approx((-0.03, 0.05))


def test_a_constant_difference_has_no_width(bench: Any) -> None:
    for seed in (1, 2):
        for pair in PAIRS:
            bench.add("lead", pair, seed, 0.5)
            bench.add(GENMIX, pair, seed, 0.625)
    (found,) = differences(bench.table())
    assert (found.mean, found.low, found.high) == (0.125, 0.125, 0.125)


def test_an_incomplete_pair_leaves_no_overall_difference(bench: Any) -> None:
    for pair in PAIRS:
        bench.add("lead", pair, 1, 0.5)
        bench.add(GENMIX, pair, 1, 0.6, recorded=pair != PAIRS[2])
    (found,) = differences(bench.table())
    assert (found.state, found.mean, found.low) == ("incomplete", None, None)
    assert found.columns["Ar2Cl"] == pytest.approx(0.1)
    assert found.columns["Ar2Pr"] is None


def test_other_seeds_are_not_paired(bench: Any) -> None:
    bench.add("lead", PAIRS[0], 1, 0.5)
    bench.add(GENMIX, PAIRS[0], 2, 0.6)
    (found,) = differences(bench.table())
    assert (found.state, found.mean) == ("incomplete", None)


def test_without_epochs_there_is_one_difference(bench: Any) -> None:
    for method in ("source-only", "source-only+genmix[filters]"):
        bench.add(method, PAIRS[0], 1)
    assert len(differences(bench.table())) == 1
    assert differences(bench.table(block="oracle")) == []


def test_one_pair_has_no_interval() -> None:
    assert interval([0.1]) == (None, None)


def test_intervals_repeat() -> None:
    values = [0.123, -0.2, 0.3, 0.05, 0.71, 0.02, -0.33]
    assert interval(values) == interval(values)
    assert interval(values) != interval(values, seed=1, resamples=500)


def test_seeds_of_a_pair_stay_together(bench: Any) -> None:
    """Seeds that cancel out in every pair leave nothing to resample."""
    for pair in PAIRS:
        for seed, gain in ((1, 0.125), (2, -0.125)):
            bench.add("lead", pair, seed, 0.5)
            bench.add(GENMIX, pair, seed, 0.5 + gain)
    (found,) = differences(bench.table())
    assert (found.mean, found.low, found.high) == (0.0, 0.0, 0.0)


def test_the_interval_covers_about_as_often_as_it_says() -> None:
    """30 independent normal pairs: the percentile bootstrap covers a little under 95 %."""
    rng = np.random.default_rng(1)
    trials = 300
    hits = 0
    for trial in range(trials):
        low, high = interval(rng.normal(0.3, 1.0, 30), resamples=1000, seed=trial)
        assert low is not None and high is not None
        hits += low <= 0.3 <= high
    assert 0.90 <= hits / trials <= 0.98


def test_the_interval_is_that_of_the_normal_approximation() -> None:
    values = np.random.default_rng(2).normal(0.0, 1.0, 400)
    low, high = interval(values)
    assert low is not None and high is not None
    half = 1.96 * values.std() / 20
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.01)
