"""Progress bars: on a terminal, nowhere else, and never in the way of what they count."""

from __future__ import annotations

import sys

import pytest

from genmix_da.progress import bar, track


@pytest.fixture(params=[True, False], ids=["terminal", "file"])
def terminal(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: request.param)
    return bool(request.param)


def test_items_come_through_in_order(terminal: bool) -> None:
    assert list(track(iter("abc"), "counting", 3)) == ["a", "b", "c"]


def test_bar_takes_counts(terminal: bool) -> None:
    with bar("counting") as advance:
        advance(1, 2)
        advance(2, 2)


def test_nothing_is_printed_but_on_a_terminal(
    terminal: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    list(track(iter("abc"), "counting", 3))
    with bar("counting") as advance:
        advance(1, 2)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert terminal or printed.err == ""
