"""A table on a Ray cluster that loses a node."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ray", reason="Ray is not installed")
pytestmark = pytest.mark.slow


@pytest.fixture
def cluster(one_cache: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Two nodes of one CPU each, on this machine."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    size: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
    cluster = Cluster(initialize_head=True, head_node_args=size | {"include_dashboard": False})
    cluster.second = cluster.add_node(**size)  # type: ignore[attr-defined]
    yield cluster
    cluster.shutdown()


def test_a_node_goes_in_the_middle(
    cluster: Any, half: Callable, whole: Path, tmp_path: Path
) -> None:
    out, removed = tmp_path / "out", threading.Event()
    # What is computed here are the adaptations: each stage of a table has processes of its own.
    shutil.copytree(whole / "sources", out / "sources")

    def remove() -> None:
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            # Both nodes are at work on adaptations, the fewest of which are done.
            if len(list(out.glob("opda/*/*/predictions.csv"))) >= 2:
                cluster.remove_node(cluster.second, allow_graceful=False)
                removed.set()
                return
            time.sleep(0.05)

    thread = threading.Thread(target=remove)
    thread.start()
    half("--methods", "source-only,lead", "--engine", "ray", "--ray-address", cluster.address)
    thread.join()
    assert removed.is_set()
