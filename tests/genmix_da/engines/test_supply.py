"""Items that are asked for one by one: no more than can be run soon, and all of them in the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine_cases import EVERY, PARALLEL
from engine_jobs import Job, attempts, work
from genmix_da.engines.base import Engine
from genmix_da.engines.supply import Supply

COUNT = 30
# workers:2 hands out one to each worker, Ray of two cores two; an outcome that is being looked at
# has made room already.
BOUND = {"local": 1, "workers:2": 4, "ray": 5}


class Asked:
    """Jobs as an iterator that counts how many were taken."""

    def __init__(self, jobs: list[Job]) -> None:
        self.jobs, self.taken = jobs, 0

    def __iter__(self) -> Iterator[Job]:
        for job in self.jobs:
            self.taken += 1
            yield job


@EVERY
def test_no_more_is_taken_than_can_be_run_soon(engine: Engine, tmp_path: Path) -> None:
    asked = Asked([Job(f"j{number}", "sleep", tmp_path) for number in range(COUNT)])
    seen: set[str] = set()
    ahead = []
    for outcome in engine.run(work, iter(asked)):
        ahead.append(asked.taken - len(seen))
        assert outcome.status == "done"
        seen.add(outcome.key)
    assert seen == {job.key for job in asked.jobs}
    assert max(ahead) <= BOUND[engine.name]
    assert [attempts(job) for job in asked.jobs] == [1] * COUNT


@PARALLEL
def test_a_lost_worker_costs_only_its_own_item(engine: Engine, tmp_path: Path) -> None:
    jobs = [Job(f"j{number}", "sleep", tmp_path) for number in range(4)]
    jobs[1:1] = [Job("once", "die", tmp_path, "once"), Job("always", "die", tmp_path)]
    ended = {outcome.key: outcome.status for outcome in engine.run(work, iter(jobs))}
    assert ended == {job.key: "lost" if job.key == "always" else "done" for job in jobs}
    assert [attempts(job) for job in jobs] == [1, 2, 3, 1, 1, 1]


@EVERY
def test_what_the_function_gives_back_comes_with_the_outcome(
    engine: Engine, tmp_path: Path
) -> None:
    jobs = [Job("gives", "give", tmp_path, "4"), Job("fails", "raise", tmp_path)]
    results = {outcome.key: outcome.result for outcome in engine.run(work, iter(jobs))}
    assert results == {"gives": {"argument": "4"}, "fails": None}


def test_a_sequence_waits_whole_and_an_iterator_does_not(tmp_path: Path) -> None:
    jobs = [Job(f"j{number}", "sleep", tmp_path) for number in range(5)]
    whole, asked = Supply(jobs), Asked(jobs)
    assert list(whole.waiting) == jobs
    few = Supply(iter(asked))
    assert not few.waiting
    few.ask(2)
    few.ask(2)
    assert list(few.waiting) == jobs[:2] and asked.taken == 2
    assert list(few.rest()) == list(whole.rest()) == jobs


def test_keys_of_an_iterator_differ(tmp_path: Path) -> None:
    supply = Supply(iter([Job("same", "sleep", tmp_path)] * 2))
    with pytest.raises(ValueError, match="'same'"):
        supply.ask(2)
