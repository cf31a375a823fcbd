"""Seeds on the command line of a table."""

from __future__ import annotations

import pytest

from genmix_da.errors import UserError
from genmix_da.tables.request import parse_seeds


def test_seeds_keep_their_order() -> None:
    assert parse_seeds("3, 1,2") == [3, 1, 2]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1,x", "'x' is no whole number of 0 or more"),
        ("1,-2", "no whole number of 0 or more"),
        ("1,01", "twice"),
        ("", "empty"),
    ],
)
def test_bad_seeds(text: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        parse_seeds(text)
