"""The wall time of a run beside the seconds of its stages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def with_wall(timing: Mapping[str, Any], wall: float, elsewhere: float) -> dict[str, Any]:
    """A timing with `wall`, and in its seconds `other`: what no stage accounts for.

    Args:
        timing: with `seconds`, stage -> seconds or None.
        wall: seconds that this command took.
        elsewhere: those among the stages' seconds that were not spent by this command: epochs of
            an interrupted one, a source model or images that were there.
    """
    spent = sum(value for value in timing["seconds"].values() if value) - elsewhere
    seconds = {**timing["seconds"], "other": max(wall - spent, 0.0)}
    return {**timing, "seconds": seconds, "wall": wall}
