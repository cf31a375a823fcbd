"""How many items fit on the nodes of a Ray cluster, and what each of them gets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def fitting(nodes: Sequence[dict[str, Any]], gpus: float) -> list[dict[str, float]]:
    """Resources of the living nodes that have room for an item."""
    alive = [node["Resources"] for node in nodes if node["Alive"]]
    return [have for have in alive if have.get("CPU", 0) >= 1 and have.get("GPU", 0) >= gpus]


def room(fitting: Sequence[dict[str, float]], gpus: float) -> int:
    """Items that run at once on such nodes; 1 where there is none, which is then waited for."""
    return max(1, sum(_most(node, gpus) for node in fitting))


def _most(node: dict[str, float], gpus: float) -> int:
    return int(min(node["CPU"], node["GPU"] // gpus) if gpus else node["CPU"])


def share(node: dict[str, float], gpus: float) -> int:
    """Threads of an item on a node that runs as many as fit: its GPUs may be the scarce thing."""
    return max(1, int(node["CPU"] // max(1, _most(node, gpus))))


def need(gpus: float) -> str:
    """What an item needs, in words."""
    return f"a CPU and {gpus:g} GPUs for a job" if gpus else "a CPU for a job"
