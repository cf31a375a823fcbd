"""Progress: lines on a terminal, a line in a log of long work, never in the way of the work."""

from __future__ import annotations

import sys

import pytest

from genmix_da import progress
from genmix_da.progress import bar, silence, track


@pytest.fixture(params=[True, False], ids=["terminal", "file"])
def terminal(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: request.param)
    return bool(request.param)


def test_items_come_through_in_order(terminal: bool) -> None:
    assert list(track(iter("abc"), "counting", 3)) == ["a", "b", "c"]


def test_work_within_work(terminal: bool) -> None:
    with bar("outer") as advance:
        advance(1, 2)
        assert list(track(iter("abc"), "inner", 3)) == ["a", "b", "c"]
        advance(2, 2)
    assert not progress._shown


def test_an_error_ends_it(terminal: bool) -> None:
    def breaks() -> object:
        yield 1
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        list(track(breaks(), "counting", 2))
    assert not progress._shown


def test_short_work_prints_nothing_but_on_a_terminal(
    terminal: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    list(track(iter("abc"), "counting", 3))
    with bar("counting") as advance:
        advance(1, 2)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert terminal or printed.err == ""


class Clock:
    now = 0.0

    def monotonic(self) -> float:
        return self.now


class Log:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def info(self, message: str, *arguments: object) -> None:
        self.lines.append(message % arguments)


def test_long_work_says_now_and_then_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, log = Clock(), Log()
    monkeypatch.setattr(progress, "time", clock)
    monkeypatch.setattr(progress, "logger", log)
    with bar("editing") as advance:
        advance(100, 1000)  # made by an earlier run
        for second in range(1, 101):
            clock.now = float(second)
            advance(100 + 3 * second, 1000)
        clock.now = 500.0
        advance(1000, 1000)
    assert log.lines == [
        "editing: 190 of 1000, 3.0/s, 4:30 left",
        "editing: 280 of 1000, 3.0/s, 4:00 left",
        "editing: 370 of 1000, 3.0/s, 3:30 left",
    ]


@pytest.mark.parametrize(
    ("rate", "said"), [(0.0, "-"), (0.25, "4.0 s each"), (1.0, "1.0/s"), (250.0, "250.0/s")]
)
def test_rates(rate: float, said: str) -> None:
    assert progress._rate(rate) == said


@pytest.mark.parametrize(("seconds", "said"), [(5, "0:05"), (65.4, "1:05"), (7325, "2:02:05")])
def test_clock(seconds: float, said: str) -> None:
    assert progress._clock(seconds) == said


def test_a_silent_process_shows_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GENMIX_DA_NO_PROGRESS", "")  # put back at the end
    silence()
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert list(track(iter("ab"), "counting", 2)) == ["a", "b"]
    assert capsys.readouterr().err == ""
