"""Worker processes: they stay for many items, and end with who wants them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine_cases import SCRIPT, alive, ended, wait_for
from engine_jobs import Job, attempts, pid, work
from genmix_da.engines import attempt as engine_attempt
from genmix_da.engines.attempt import threads_each
from genmix_da.engines.choose import parse_engine


@pytest.mark.parametrize(
    ("own", "each"), [("", 4), ("3", 3), ("16", 4), ("0", 4), ("2,1", 4), ("many", 4)]
)
def test_no_worker_has_more_threads_than_the_user_wants(
    own: str, each: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_attempt, "cores", lambda: 8)
    monkeypatch.setenv("OMP_NUM_THREADS", own)
    assert threads_each(2) == each


def test_workers_stay_for_many_items(tmp_path: Path) -> None:
    jobs = [Job(f"j{number}", "sleep", tmp_path) for number in range(6)]
    ended(parse_engine("workers:1"), jobs)
    assert len({pid(job) for job in jobs}) == 1
    assert pid(jobs[0]) != os.getpid()


def test_workers_end_when_nobody_wants_the_rest(tmp_path: Path) -> None:
    long = Job("long", "sleep", tmp_path, "60")
    outcomes = parse_engine("workers:2").run(work, [long, Job("quick", "sleep", tmp_path)])
    assert next(outcomes).key == "quick"
    wait_for(lambda: attempts(long) == 1)
    outcomes.close()  # type: ignore[attr-defined]
    wait_for(lambda: not alive(pid(long)), seconds=5)


def test_workers_go_on_while_an_outcome_is_looked_at(tmp_path: Path) -> None:
    first, second = Job("first", "sleep", tmp_path), Job("second", "sleep", tmp_path)
    outcomes = parse_engine("workers:1").run(work, [first, second])
    assert next(outcomes).key == "first"
    wait_for(lambda: attempts(second) == 1)
    assert [outcome.key for outcome in outcomes] == ["second"]


@pytest.mark.slow
def test_a_script_without_a_guard_is_told_so(tmp_path: Path) -> None:
    file = tmp_path / "script.py"
    file.write_text(SCRIPT.replace('if __name__ == "__main__":', "if True:"))
    done = subprocess.run(
        [sys.executable, str(file), "workers:1", str(tmp_path), "die"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and done.stdout == "lost\n"


def test_workers_stay_for_further_runs_and_go_with_their_engine(tmp_path: Path) -> None:
    engine = parse_engine("workers:2")
    pids = []
    for number in range(3):
        jobs = [Job(f"r{number}j{place}", "sleep", tmp_path, "0.1") for place in range(4)]
        ended(engine, jobs)
        pids.append({pid(job) for job in jobs})
    assert pids[0] == pids[1] == pids[2]
    assert all(map(alive, pids[0]))
    del engine
    wait_for(lambda: not any(map(alive, pids[0])), seconds=5)


def test_an_idle_worker_that_dies_is_replaced(tmp_path: Path) -> None:
    engine = parse_engine("workers:1")
    first, second = Job("first", "sleep", tmp_path), Job("second", "sleep", tmp_path)
    ended(engine, [first])
    os.kill(pid(first), signal.SIGKILL)
    assert ended(engine, [second])["second"].status == "done"
    assert pid(second) != pid(first)
