"""Which target images to explain by their neighbours: those that the graph step decided otherwise.

With labels two that it corrected and two that it broke; without, and where there are fewer of them,
other changed ones. One that it rejects and one that it accepts, as the network does, stand beside.
"""

from __future__ import annotations

from collections.abc import Sequence

from genmix_da.reporting.gradcam_choice import taking_turns
from genmix_da.reporting.predicted import UNKNOWN, Predicted

CORRECTED, BROKEN, CHANGED = "corrected", "broken", "changed"
REJECTED, ACCEPTED = "rejected", "accepted"
KINDS = {
    CORRECTED: "wrong alone, right with the graph",
    BROKEN: "right alone, wrong with the graph",
    CHANGED: "decided otherwise with the graph",
    REJECTED: "unknown with the graph as well as alone",
    ACCEPTED: "of the same known class with the graph as alone",
}
"""Kind -> what it means, in the order they are shown."""
_MOST = {CORRECTED: 2, BROKEN: 2, CHANGED: 4, REJECTED: 1, ACCEPTED: 1}


def kind_of(line: Predicted) -> str:
    """One of KINDS; "changed" is what is wrong alone and with the graph, or has no label."""
    if line.predicted == line.graph_predicted:
        return REJECTED if line.predicted == UNKNOWN else ACCEPTED
    if line.true and line.true == line.graph_predicted:
        return CORRECTED
    return BROKEN if line.true and line.true == line.predicted else CHANGED


def room(kind: str, chosen: Sequence[str]) -> int:
    """How many more images of a kind there is room for.

    Args:
        kind: of KINDS.
        chosen: kinds of the images that have a place.
    """
    # Others that were changed fill the places that the first two kinds leave.
    rivals = (CORRECTED, BROKEN, CHANGED) if kind == CHANGED else (kind,)
    return max(_MOST[kind] - sum(chosen.count(rival) for rival in rivals), 0)


def in_order(
    lines: Sequence[Predicted], threshold: float | None, graph_threshold: float | None
) -> dict[str, list[int]]:
    """Kind -> numbers of its images, the first to be shown first; hangs on the lines alone.

    Of changed decisions the largest change: the distance from the threshold before and after. New
    rejections, new acceptances and new classes take turns. Of the others the typical ones: those in
    the middle of their kind by smoothed uncertainty.

    Args:
        lines: of predictions.csv.
        threshold, graph_threshold: of the network alone and of the graph step; None: nothing is
            rejected.
    """
    kinds: dict[str, list[int]] = {kind: [] for kind in KINDS}
    for number, line in enumerate(lines):
        kinds[kind_of(line)].append(number)

    def change(number: int) -> float:
        line = lines[number]
        before = line.uncertainty - (threshold or 0.0)
        return abs(line.graph_uncertainty - (graph_threshold or 0.0) - before)

    found = {}
    for kind, numbers in kinds.items():
        if kind in (REJECTED, ACCEPTED):
            ordered = sorted(numbers, key=lambda n: (lines[n].graph_uncertainty, lines[n].path))
            middle = len(ordered) // 2
            found[kind] = taking_turns([ordered[middle:], ordered[:middle][::-1]])
            continue
        turns: dict[tuple[bool, bool], list[int]] = {}
        for number in sorted(numbers, key=lambda n: (-change(n), lines[n].path)):
            line = lines[number]
            way = line.predicted == UNKNOWN, line.graph_predicted == UNKNOWN
            turns.setdefault(way, []).append(number)
        found[kind] = taking_turns(list(turns.values()))
    return found
