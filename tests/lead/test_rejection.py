"""Thresholds from the uncertainties themselves, against slow references."""

from __future__ import annotations

import doctest
import inspect
import json

import numpy as np
import pytest

import lead.rejection
from lead.errors import LeadError
from lead.rejection import AUTO_RULE, otsu, parse_rule, reject, root_otsu, two_means
from lead.scores import predict


def two_groups(
    low: int = 60, high: int = 40, seed: int = 0, centres: tuple[float, float] = (0.2, 0.8)
) -> np.ndarray:
    draw = np.random.default_rng(seed)
    groups = [draw.normal(c, 0.06, n) for c, n in zip(centres, (low, high), strict=True)]
    return draw.permutation(np.concatenate(groups)).clip(0, 1)


SAMPLES = {
    "two groups": two_groups(),
    "few above": two_groups(95, 5, seed=1),
    "one group": np.random.default_rng(2).normal(0.5, 0.1, 200),
    "even": np.random.default_rng(3).random(500),
    "far apart": np.array([0.1, 0.12, 0.11, 0.9]),
    "two values": np.array([0.25, 0.75, 0.75]),
    "below 0": np.array([-1e-5, 0.0, 1e-5, 0.4, 0.5]),
    "very close": np.array([0.5, 0.5 + 2**-20, 0.5 + 2**-18]),
}
EVERY_SAMPLE = pytest.mark.parametrize("values", SAMPLES.values(), ids=SAMPLES.keys())


@EVERY_SAMPLE
def test_otsu_is_the_best_split_between_bins(values: np.ndarray) -> None:
    counts, edges = np.histogram(values, bins=256)
    binned = np.repeat((edges[:-1] + edges[1:]) / 2, counts)  # every value at its bin's centre
    between = []
    for edge in edges[1:-1]:  # the last bin's upper edge leaves nothing above
        low, high = binned[binned < edge], binned[binned > edge]
        between.append(len(low) * len(high) * (low.mean() - high.mean()) ** 2)
    best = int(np.argmax(np.round(np.divide(between, max(between)), 9)))
    # Edges within a gap between values split alike: the middle one is taken.
    inside = [
        edge
        for edge in edges
        if binned[binned < edges[best + 1]].max() < edge < binned[binned > edges[best + 1]].min()
    ]
    expected = (inside[0] + inside[-1]) / 2
    step = edges[1] - edges[0]
    assert otsu(values) == pytest.approx(expected, abs=1e-6 * step)


@pytest.mark.parametrize("spread", [1e3, 1e-3, 1e-6, 1e-9])
def test_otsu_does_not_hang_on_the_spread(spread: float) -> None:
    values = two_groups(90, 10)
    moved = (otsu(0.5 + spread * values) - 0.5) / spread
    assert moved == pytest.approx(otsu(values), abs=1e-5)


@EVERY_SAMPLE
def test_two_means_is_the_split_of_least_squares(values: np.ndarray) -> None:
    ordered = np.sort(values)

    def squares(cut: int) -> float:
        return sum(float(((g - g.mean()) ** 2).sum()) for g in (ordered[:cut], ordered[cut:]))

    cut = min(range(1, len(ordered)), key=squares)
    assert two_means(values) == pytest.approx((ordered[cut - 1] + ordered[cut]) / 2, rel=1e-12)


@EVERY_SAMPLE
def test_root_otsu_is_otsu_of_the_square_roots(values: np.ndarray) -> None:
    assert root_otsu(values) == otsu(np.sqrt(values.clip(min=0))) ** 2


@pytest.mark.parametrize("rule", ["otsu", "root-otsu", "two-means"])
def test_groups_that_lie_apart_are_parted(rule: str) -> None:
    found = reject(two_groups(70, 30), rule)
    assert 0.35 < found.threshold < 0.65
    assert found.rejected == pytest.approx(0.3)
    assert (found.rule, found.floored) == (rule, False)


@pytest.mark.parametrize("rule", ["otsu", "root-otsu", "two-means"])
@pytest.mark.parametrize("count", [1, 2, 50])
@pytest.mark.parametrize("value", [0.0, 0.1, 1 / 3, float(np.float32(0.7)), 0.9999])
def test_values_that_are_all_alike_are_all_accepted(rule: str, count: int, value: float) -> None:
    found = reject([value] * count, rule)
    assert found.threshold == pytest.approx(value, abs=1e-12)
    assert (found.rejected, found.separability) == (0.0, None)


@pytest.mark.parametrize("rule", ["auto", "otsu", "root-otsu", "two-means"])
def test_values_alike_but_for_rounding_are_all_accepted(rule: str) -> None:
    found = reject([0.7, np.nextafter(0.7, 1), np.nextafter(0.7, 0)], rule)
    assert (found.rejected, found.separability) == (0.0, None)


@pytest.mark.parametrize(
    ("rule", "threshold"),
    [
        ("auto", 1.0),
        ("otsu", 1.0),
        ("root-otsu", 1.0),
        ("two-means", 1.0),
        ("otsu:0.6", 1.0),
        ("0.6", 0.6),
    ],
)
def test_without_values_a_rule_rejects_nothing(rule: str, threshold: float) -> None:
    found = reject([], rule)
    assert (found.threshold, found.rejected, found.separability) == (threshold, 0.0, None)


@pytest.mark.parametrize("rule", ["otsu", "root-otsu", "two-means"])
def test_the_threshold_is_never_below_the_floor(rule: str) -> None:
    values = two_groups()
    free = reject(values, rule).threshold
    low, high = reject(values, f"{rule}:0.1"), reject(values, f"{rule}:0.85")
    assert (low.threshold, low.floored) == (free, False)
    assert (high.threshold, high.floored) == (0.85, True)
    assert (low.rule, high.rule) == (f"{rule}:0.1", f"{rule}:0.85")


@pytest.mark.parametrize("high", [0, 10, 60])
def test_auto_is_the_chosen_rule(high: int) -> None:
    values = two_groups(100 - high, high, centres=(0.3, 0.9))
    found = reject(values, "auto")
    assert found == reject(values, AUTO_RULE)
    assert (found.rule, found.floored) == ("otsu:0.5", high == 0)
    assert found.rejected == pytest.approx(high / 100)


@pytest.mark.parametrize("rule", [0.55, "0.55", " 0.55 ", "5.5e-1", np.float64(0.55)])
def test_a_number_is_the_threshold(rule: str | float) -> None:
    found = reject(two_groups(70, 30), rule)
    assert (found.rule, found.threshold, found.floored) == ("fixed", 0.55, False)
    assert found.rejected == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("auto", "otsu:0.5"),
        (" otsu ", "otsu"),
        ("root-otsu", "root-otsu"),
        ("two-means", "two-means"),
        ("otsu:0.50", "otsu:0.5"),
        ("two-means: 1", "two-means:1"),
        ("root-otsu:.45", "root-otsu:0.45"),
        ("0", 0.0),
        (1, 1.0),
    ],
)
def test_rules_that_are_known(text: str | float, rule: str | float) -> None:
    assert parse_rule(text) == rule
    assert type(parse_rule(text)) is type(rule)
    assert parse_rule(parse_rule(text)) == rule


@pytest.mark.parametrize(
    "text",
    ["", "Otsu", "otsu:", "otsu:high", "otsu:nan", "auto:0.5", "0.5:otsu", "nan", "inf", ":"],
)
def test_other_rules_are_refused_and_the_known_ones_named(text: str) -> None:
    with pytest.raises(LeadError, match=r"auto, otsu, root-otsu, two-means.*otsu:0\.5") as error:
        reject([0.1, 0.2], text)
    assert f"threshold is {text!r};" in str(error.value)


@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.5, 0.55])
def test_images_are_counted_as_predictions_are_made(threshold: float) -> None:
    # In float32 most thresholds are rounded; both sides must be rounded the same way.
    near = np.float32(threshold)
    values = [threshold, near, np.nextafter(near, np.float32(0)), np.nextafter(near, np.float32(1))]
    found = reject(values, threshold)
    decided = predict([[0.9, 0.1]] * 4, threshold, values)
    assert found.rejected == (decided == 2).mean() == 0.25


@pytest.mark.parametrize("rule", ["auto", "otsu", "root-otsu", "two-means", 0.4])
@pytest.mark.parametrize("seed", range(3))
def test_the_share_is_that_of_the_predictions(rule: str | float, seed: int) -> None:
    values = np.random.default_rng(seed).random(300).astype(np.float32)
    found = reject(values, rule)
    decided = predict(np.ones((300, 3)) / 3, found.threshold, values)
    assert found.rejected == (decided == 3).mean() > 0


@EVERY_SAMPLE
def test_separability_is_the_share_of_the_variance_between_the_groups(values: np.ndarray) -> None:
    found = reject(values, "two-means")
    above = values > found.threshold
    within = sum(part.var() * len(part) for part in (values[above], values[~above])) / len(values)
    assert found.separability == pytest.approx(1 - within / values.var(), abs=1e-6)
    assert 0 <= found.separability <= 1


@pytest.mark.parametrize("threshold", [-1.0, 2.0])
def test_separability_needs_two_groups(threshold: float) -> None:
    found = reject(two_groups(), threshold)
    assert found.separability is None
    assert found.rejected == (threshold < 0)


def test_any_shape_and_order_of_the_same_values() -> None:
    values = two_groups()
    expected = reject(values, "auto").as_dict()
    assert reject(np.sort(values), "auto").as_dict() == pytest.approx(expected)
    assert reject(values.reshape(10, 10), "auto").as_dict() == expected
    assert reject(values.tolist(), "auto").as_dict() == expected


def test_a_record_is_plain() -> None:
    found = reject(two_groups().astype(np.float32), "auto")
    assert json.loads(json.dumps(found.as_dict())) == found.as_dict()


def test_no_labels_are_asked_for() -> None:
    names = list(inspect.signature(reject).parameters)
    assert names == ["uncertainty", "rule", "share_uncertainty"]


def test_the_example_in_the_docstring_runs() -> None:
    outcome = doctest.testmod(lead.rejection)
    assert outcome.attempted and not outcome.failed


def judged_apart() -> tuple[np.ndarray, np.ndarray]:
    """Uncertainties and others of the same images, which order them differently."""
    draw = np.random.default_rng(5)
    values = two_groups(70, 30)
    return values, 0.5 * values + 0.2 * draw.random(100)


@pytest.mark.parametrize("rule", ["otsu", "root-otsu:0.1", "two-means", "otsu:0.5"])
def test_the_share_may_be_judged_by_another_uncertainty(rule: str) -> None:
    values, others = judged_apart()
    found, judged = reject(values, rule, others), reject(others, rule)
    assert found.share_threshold == judged.threshold
    assert (found.rejected, found.floored, found.rule) == (judged.rejected, judged.floored, rule)
    # Those with the largest mean of both, with the threshold in the middle of the gap.
    count = round(100 * judged.rejected)
    assert found.far_weight == pytest.approx(min(1, 2 * judged.rejected))
    mean = found.far_weight * values + (1 - found.far_weight) * others
    order = found.order(values, others)
    np.testing.assert_allclose(order, mean, atol=1e-6)
    ordered = np.sort(mean)[::-1]
    if count:
        assert found.threshold == pytest.approx((ordered[count - 1] + ordered[count]) / 2, abs=1e-6)
    assert (order > np.float32(found.threshold)).sum() == count


def test_without_another_uncertainty_the_order_is_its_own() -> None:
    values, others = judged_apart()
    for found in (reject(values, "otsu"), reject(values, 0.5, others)):
        assert found.far_weight is found.share_threshold is None
        assert np.array_equal(found.order(values, others), values.astype(np.float32))


def test_the_same_uncertainty_judges_as_alone() -> None:
    values = two_groups(70, 30)
    found, alone = reject(values, "otsu", values), reject(values, "otsu")
    assert np.array_equal(values > found.threshold, values > alone.threshold)


@pytest.mark.parametrize(("floor", "threshold"), [(0.5, 0.5), (0.95, 0.95)])
def test_none_may_be_judged_unknown(floor: float, threshold: float) -> None:
    values = two_groups()
    found = reject(values, f"otsu:{floor}", np.full(100, 0.1))
    assert (found.rejected, found.share_threshold) == (0.0, threshold)
    assert found.far_weight == 0.0  # the few that there may be are judged by the other alone
    assert found.threshold == threshold


@pytest.mark.parametrize("rule", ["otsu", "root-otsu", "two-means"])
def test_uncertainties_that_are_all_alike_judge_none_unknown(rule: str) -> None:
    for value in np.linspace(0.01, 0.99, 99):
        found = reject([0.1, 0.2, 0.3, 0.4], rule, np.full(4, value))
        assert found.rejected == 0.0, value


@pytest.mark.parametrize("seed", range(300))
def test_as_many_are_rejected_as_are_judged_unknown(seed: int) -> None:
    draw = np.random.default_rng(seed)
    values, others = draw.random((2, draw.integers(1, 40))).astype(np.float32)
    for rule in ("otsu", "root-otsu", "two-means", "otsu:0.5", "root-otsu:0.2"):
        assert reject(values, rule, others).rejected == reject(others, rule).rejected, rule


def test_images_of_equal_uncertainty_stay_together() -> None:
    found = reject([0.1, 0.6, 0.6, 0.9], "otsu", [0.1, 0.2, 0.9, 0.9])
    assert found.far_weight == 1.0
    assert found.threshold == pytest.approx(0.6)
    assert found.rejected == 0.25  # two were judged unknown, the second is equal to a kept one


def test_a_number_is_a_threshold_on_the_uncertainty_itself() -> None:
    values, others = judged_apart()
    assert reject(values, 0.55, others) == reject(values, 0.55)


def test_other_images_cannot_judge() -> None:
    with pytest.raises(LeadError, match="2 images have an uncertainty, 3 one to judge"):
        reject([0.1, 0.2], "otsu", [0.1, 0.2, 0.3])


@pytest.mark.parametrize("rule", ["otsu", "otsu:0.5", 0.5])
def test_without_images_nothing_is_judged(rule: str | float) -> None:
    assert reject([], rule, []).rejected == 0.0
