"""Pair statistics are exact: held against all pairs in extended precision."""

from __future__ import annotations

import numpy as np
import pytest

from genmix_da.augment.faithful import RULES, PairStatistics, Statistics, cosine


def features(kind: str, count: int = 60, width: int = 48) -> np.ndarray:
    draw = np.random.default_rng(11)
    noise = draw.normal(size=(count, width))
    common = draw.normal(size=width)
    return {
        "random": noise,
        "clustered": np.repeat(noise[:6], count // 6, axis=0) * 3 + noise,
        "positive": np.abs(noise) + 1,
        "long and short": noise * 10.0 ** draw.integers(-4, 5, (count, 1)),
        "nearly alike": common + 1e-6 * noise,
        "alike": np.tile(common, (count, 1)),
    }[kind]


KINDS = ["random", "clustered", "positive", "long and short", "nearly alike", "alike"]


def brute_force(rows: np.ndarray, groups: list[slice] | None = None) -> tuple[float, float, int]:
    """Mean and deviation over all ordered pairs i != j, in long double."""
    unit = rows.astype(np.longdouble)
    unit = unit / np.sqrt((unit**2).sum(axis=1, keepdims=True))
    found = []
    for group in groups or [slice(None)]:
        # 1 - |difference|^2 / 2: exact to the last digits where the plain product cancels.
        part = unit[group]
        pairs = 1 - ((part[:, None] - part[None]) ** 2).sum(axis=2) / 2
        found.append(pairs[~np.eye(len(part), dtype=bool)])
    cosines = np.concatenate(found)
    return float(cosines.mean()), float((cosines - cosines.mean()).std()), cosines.size


def streamed(rows: np.ndarray, chunk: int) -> Statistics:
    statistics = PairStatistics()
    for start in range(0, len(rows), chunk):
        statistics.add(rows[start : start + chunk])
    return statistics.result()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_statistics_are_those_of_all_pairs(kind: str, chunk: int) -> None:
    rows = features(kind)
    mean, std, pairs = brute_force(rows)
    found = streamed(rows, chunk)
    assert found.pairs == pairs == 60 * 59
    assert found.mean == pytest.approx(mean, rel=1e-12, abs=1e-13)
    # Nearly alike: sigma is 1e-12, close to the last digit of the cosine itself.
    assert found.std == pytest.approx(std, rel=1e-3 if kind == "nearly alike" else 1e-10, abs=1e-15)


def test_float32_features_are_added_up_in_float64() -> None:
    rows = features("positive").astype(np.float32)
    mean, std, _ = brute_force(rows)
    found = streamed(rows, 16)
    assert (found.mean, found.std) == (pytest.approx(mean, rel=1e-12), pytest.approx(std, rel=1e-9))


def single_precision(rows: np.ndarray) -> float:
    """Sigma from the first and second moment of a float32 Gram matrix: what is not good enough."""
    unit = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    n = len(unit)
    total, gram = unit.sum(axis=0), unit.T @ unit
    pairs = np.float32(n * (n - 1))
    mean = (total @ total - n) / pairs
    variance = ((gram**2).sum() - n) / pairs - mean**2
    return float(np.sqrt(max(variance, 0)))


def test_a_float32_gram_matrix_would_lose_sigma() -> None:
    draw = np.random.default_rng(12)
    rows = draw.normal(size=64) + 1e-3 * draw.normal(size=(200, 64))
    _, std, _ = brute_force(rows)
    assert streamed(rows, 32).std == pytest.approx(std, rel=1e-7)
    assert abs(single_precision(rows) - std) > 0.9 * std  # not one digit of it is right


@pytest.mark.parametrize("kind", KINDS)
def test_groups_count_pairs_within_each(kind: str) -> None:
    rows = features(kind)
    groups = [slice(0, 1), slice(1, 20), slice(20, 22), slice(22, 60)]
    statistics = PairStatistics()
    for group in groups:
        statistics.add(rows[group])
        statistics.next_group()
    found = statistics.result()
    mean, std, pairs = brute_force(rows, groups)
    assert found.pairs == pairs == 19 * 18 + 2 + 38 * 37
    assert found.mean == pytest.approx(mean, rel=1e-12, abs=1e-13)
    assert found.std == pytest.approx(std, rel=1e-3 if kind == "nearly alike" else 1e-10, abs=1e-15)


def test_same_class_pairs_are_stricter_than_all_pairs() -> None:
    rows = features("clustered")
    within = PairStatistics()
    for start in range(0, 60, 10):
        within.next_group()
        within.add(rows[start : start + 10])
    assert within.result().threshold() > streamed(rows, 60).threshold()
    assert RULES == ("all-pairs", "same-class")


def test_threshold_is_mu_minus_k_sigma() -> None:
    statistics = Statistics(0.5, 0.1, 2)
    assert statistics.threshold() == pytest.approx(0.3)
    assert statistics.threshold(0.5) == pytest.approx(0.45)


@pytest.mark.parametrize("bad", [0.0, np.nan, np.inf])
def test_zero_and_non_finite_features_are_refused(bad: float) -> None:
    rows = features("random")
    rows[3] = bad
    with pytest.raises(ValueError, match="finite and not zero"):
        PairStatistics().add(rows)


def test_no_pair_is_refused() -> None:
    with pytest.raises(ValueError, match="two images or more"):
        PairStatistics().result()
    one = PairStatistics()
    one.add(features("random")[:1])
    with pytest.raises(ValueError, match="two images or more"):
        one.result()
    alone = PairStatistics()
    for row in features("random"):  # one image a class
        alone.add(row[None])
        alone.next_group()
    with pytest.raises(ValueError, match="two images or more"):
        alone.result()


def test_memory_is_that_of_a_gram_matrix() -> None:
    import tracemalloc

    statistics = PairStatistics()
    rows = np.random.default_rng(13).normal(size=(100, 64))
    statistics.add(rows)
    tracemalloc.start()
    for _ in range(100):
        statistics.add(rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert statistics.result().pairs == 10_100 * 10_099
    assert peak < 10 * rows.nbytes  # a matrix of all pairs would take 800 MB


def test_cosine() -> None:
    assert cosine(np.array([1.0, 0.0]), np.array([3.0, 3.0])) == pytest.approx(0.5**0.5)
    same = features("random")[0].astype(np.float32)
    assert cosine(same, 1e-3 * same) == pytest.approx(1, abs=1e-6)
