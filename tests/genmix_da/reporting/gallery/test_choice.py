"""Which edits a gallery shows where there are too many."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from genmix_da.reporting.gallery_choice import choose_lines
from genmix_da.reporting.gallery_manifest import Line


def a_line(number: int, status: str, style: str = "s", **changes: Any) -> Line:
    line = Line(number, status, "a.png", "cup", style, "p", "m", "f", None, 0.5, "", "o", "e")
    return replace(line, **changes)


def test_choice_shows_styles_and_borders() -> None:
    kept = [
        a_line(n, "kept", f"style {n % 4}", class_name=f"c{n % 3}", similarity=0.6 + n / 100)
        for n in range(30)
    ]
    dropped = [a_line(30 + n, "dropped", similarity=0.1 + n / 100) for n in range(10)]
    failed = [a_line(40 + n, "failed", reason="black") for n in range(10)]
    lines = [*failed, *kept[::-1], *dropped]
    chosen = choose_lines(lines, 10)
    assert len({line.number for line in chosen}) == 10
    by = {s: [x for x in chosen if x.status == s] for s in ("kept", "dropped", "failed")}
    assert [len(by[status]) for status in ("kept", "dropped", "failed")] == [6, 2, 2]
    assert len({line.style for line in by["kept"][:4]}) == 4
    assert len({line.class_name for line in by["kept"][:3]}) == 3
    rest = sorted({line.similarity for line in kept} - {x.similarity for x in by["kept"][:4]})
    assert [line.similarity for line in by["kept"][4:]] == rest[:2]
    assert [line.similarity for line in by["dropped"]] == [dropped[9].similarity, 0.18]
    assert choose_lines(lines, 0) == []
    assert len(choose_lines(lines, 1000)) == 50
    assert {x.status for x in choose_lines(dropped + failed, 4)} == {"dropped", "failed"}
