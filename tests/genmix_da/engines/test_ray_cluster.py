"""A Ray cluster that changes under the work: a node goes, the head goes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ray", reason="Ray is not installed")

from engine_cases import HERE
from engine_jobs import Job, attempts, work
from genmix_da.engines import ray_engine
from genmix_da.engines.choose import parse_engine
from genmix_da.errors import UserError

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two nodes of one CPU each, on this machine, of which the tests take one after the other."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", HERE)
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        size: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
        cluster = Cluster(initialize_head=True, head_node_args=size | {"include_dashboard": False})
        cluster.second = cluster.add_node(**size)  # type: ignore[attr-defined]
        yield cluster
        cluster.shutdown()


def test_what_no_node_has_is_refused(cluster: Any, tmp_path: Path) -> None:
    engine = parse_engine("ray", address=cluster.address, gpus_per_job=2)
    with pytest.raises(UserError, match="2 GPUs"):
        list(engine.run(work, [Job("job", "sleep", tmp_path)]))


def test_a_node_goes_and_its_items_are_done_elsewhere(cluster: Any, tmp_path: Path) -> None:
    jobs = [Job(f"j{number}", "sleep", tmp_path, "1") for number in range(6)]
    outcomes = []
    for outcome in parse_engine("ray", address=cluster.address).run(work, jobs):
        outcomes.append(outcome)
        if len(outcomes) == 2:  # both nodes have begun another one, or are about to
            cluster.remove_node(cluster.second, allow_graceful=False)
    assert sorted(outcome.key for outcome in outcomes) == [job.key for job in jobs]
    assert {outcome.status for outcome in outcomes} == {"done"}
    assert len(jobs) <= sum(map(attempts, jobs)) <= len(jobs) + 1


def test_the_head_goes_and_what_is_left_is_lost(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_engine, "_PATIENCE", 3.0)
    jobs = [
        Job(f"j{number}", "sleep", tmp_path, "1" if number < 2 else "60") for number in range(5)
    ]
    outcomes = []
    for outcome in parse_engine("ray", address=cluster.address).run(work, jobs):
        outcomes.append(outcome)
        if len(outcomes) == 2:
            cluster.head_node.kill_all_processes(check_alive=False, allow_graceful=False)
    assert [outcome.status for outcome in outcomes] == ["done"] * 2 + ["lost"] * 3
    assert all("head" in outcome.reason for outcome in outcomes[2:])


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://head:10001"])
def test_an_address_without_a_cluster_is_refused(address: str) -> None:
    with pytest.raises(UserError, match=address):
        list(parse_engine("ray", address=address).run(work, []))


@pytest.mark.parametrize("noted", [None, "127.0.0.1:1"], ids=["none", "ended"])
def test_without_a_living_cluster_one_is_started(
    noted: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ray

    begun: list[str] = []
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(ray._private.services, "find_bootstrap_address", lambda _: noted)
    monkeypatch.setattr(ray, "init", lambda address, **_: begun.append(address))
    ray_engine._connect(ray, None)
    assert begun == ["local"]
    with pytest.raises(UserError, match="ray start"):
        ray_engine._connect(ray, "auto")


def test_a_cluster_that_refuses_is_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    def refuse(address: str, **_: object) -> None:
        raise ConnectionError(f"no entry to {address}")

    monkeypatch.setattr(ray_engine, "_reachable", lambda _: True)
    monkeypatch.setattr(ray._private.services, "find_bootstrap_address", lambda _: "head:6379")
    monkeypatch.setattr(ray, "init", refuse)
    with pytest.raises(UserError, match="RAY_AUTH_MODE"):
        ray_engine._connect(ray, None)
