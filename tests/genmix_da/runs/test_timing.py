"""Stages and the rest come to the wall time, whatever earlier runs have spent."""

from __future__ import annotations

import pytest

from genmix_da.runs.timing import with_wall


@pytest.mark.parametrize(
    ("elsewhere", "other"), [(0.0, 4.0), (5.0, 9.0)], ids=["in one go", "source model was there"]
)
def test_what_no_stage_accounts_for(elsewhere: float, other: float) -> None:
    timing = {"seconds": {"prepare": 1.0, "source": 5.0, "attack": None}, "steps": 3}
    assert with_wall(timing, 10.0, elsewhere) == {
        "seconds": {"prepare": 1.0, "source": 5.0, "attack": None, "other": other},
        "steps": 3,
        "wall": 10.0,
    }


def test_clocks_that_disagree_give_nothing_below_zero() -> None:
    assert with_wall({"seconds": {"train": 2.0}}, 1.9, 0.0)["seconds"]["other"] == 0.0
