"""Which edits to show: many styles, the worst kept, the best dropped, and some that failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from genmix_da.reporting.gallery_manifest import Line

# How often each group is asked, in turn, until there are enough.
_TURNS = ("spread", "worst", "dropped", "spread", "failed")
_SHOWN = ("spread", "worst", "dropped", "failed")


def choose_lines(lines: Sequence[Line], count: int) -> list[Line]:
    """A few lines of a manifest: a spread first, then the worst kept, best dropped, failed ones.

    The choice hangs on the lines alone.

    Args:
        lines: of a manifest.
        count: how many; fewer where there are fewer.
    """
    kept = [line for line in lines if line.status == "kept"]
    dropped = [line for line in lines if line.status == "dropped"]
    taken: set[int] = set()
    groups = {
        "spread": _spread(kept, taken),
        "worst": iter(sorted(_compared(kept), key=lambda line: line.similarity or 0.0)),
        "dropped": iter(sorted(_compared(dropped), key=lambda line: -(line.similarity or 0.0))),
        "failed": _spread([line for line in lines if line.status == "failed"], taken),
    }
    chosen: dict[str, list[Line]] = {name: [] for name in _SHOWN}
    while len(taken) < count:
        before = len(taken)
        for name in _TURNS:
            line = next((x for x in groups[name] if x.number not in taken), None)
            if line is not None and len(taken) < count:
                taken.add(line.number)
                chosen[name].append(line)
        if len(taken) == before:
            break
    return [line for name in _SHOWN for line in chosen[name]]


def _compared(lines: Sequence[Line]) -> list[Line]:
    return [line for line in lines if line.similarity is not None]


def _spread(lines: Sequence[Line], taken: set[int]) -> Iterator[Line]:
    """The lines so that styles take turns, and classes and masks vary as far as they can."""
    seen: Counter[str] = Counter()
    left = {line.number: line for line in lines}

    def familiar(line: Line) -> tuple[int, int, int, int]:
        others = seen[f"class {line.class_name}"], seen[f"mask {line.mask}"]
        return seen[f"style {line.style}"], *others, line.number

    while left:
        line = min((x for x in left.values() if x.number not in taken), key=familiar, default=None)
        if line is None:
            return
        del left[line.number]
        seen.update((f"style {line.style}", f"class {line.class_name}", f"mask {line.mask}"))
        yield line
