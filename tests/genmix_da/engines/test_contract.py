"""One contract for every engine: errors are reported, losses are tried again, nothing is left over.

Losses cannot be tested on the local engine: its worker is the test itself.
"""

from __future__ import annotations

import ast
import os
import signal
import subprocess
from pathlib import Path

import pytest

from engine_cases import EVERY, HERE, PARALLEL, RAY, alive, ended, wait_for
from engine_jobs import Job, attempts, work
from genmix_da.engines.attempt import threads_each
from genmix_da.engines.base import Engine


@EVERY
def test_everything_is_done_once(engine: Engine, tmp_path: Path) -> None:
    jobs = [Job(f"j{number}", "sleep", tmp_path, "0.02") for number in range(8)]
    for outcome in ended(engine, jobs).values():
        assert (outcome.status, outcome.reason) == ("done", "")
        assert 0.02 <= outcome.seconds < 5
    assert [attempts(job) for job in jobs] == [1] * 8


@EVERY
def test_nothing_to_do(engine: Engine) -> None:
    assert list(engine.run(work, [])) == []


@EVERY
def test_an_error_is_reported_and_not_tried_again(
    engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="genmix_da.engines.attempt")
    jobs = [
        Job("error", "raise", tmp_path, "7"),
        Job("mistake", "mistake", tmp_path, "no class folder under Art. Check --data."),
        Job("exit", "exit", tmp_path),
        Job("well", "sleep", tmp_path),
    ]
    outcomes = ended(engine, jobs)
    assert {key: outcome.status for key, outcome in outcomes.items()} == {
        "error": "failed",
        "mistake": "failed",
        "exit": "failed",
        "well": "done",
    }
    assert outcomes["error"].reason == "ValueError: bad number 7"
    assert outcomes["mistake"].reason == "no class folder under Art. Check --data."
    assert [attempts(job) for job in jobs] == [1] * 4
    assert "Traceback" in caplog.text and "and more lines" in caplog.text  # for whoever looks


@EVERY
def test_items_share_no_key(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'same'"):
        list(engine.run(work, [Job("same", "sleep", tmp_path)] * 2))


@PARALLEL
def test_a_lost_worker_costs_only_its_own_item(engine: Engine, tmp_path: Path) -> None:
    jobs = [
        Job("long", "sleep", tmp_path, "1.5"),  # runs while the others die beside it
        Job("once", "die", tmp_path, "once"),
        Job("always", "die", tmp_path),
        Job("after", "sleep", tmp_path),
    ]
    outcomes = ended(engine, jobs)
    assert {key: outcome.status for key, outcome in outcomes.items()} == {
        "long": "done",
        "once": "done",
        "always": "lost",
        "after": "done",
    }
    assert [attempts(job) for job in jobs] == [1, 2, 3, 1]
    assert "killed" in outcomes["always"].reason and "3 attempts" in outcomes["always"].reason


@PARALLEL
def test_outcomes_come_as_items_end(engine: Engine, tmp_path: Path) -> None:
    jobs = [Job("slow", "sleep", tmp_path, "5"), Job("quick", "sleep", tmp_path)]
    assert [outcome.key for outcome in engine.run(work, jobs)] == ["quick", "slow"]


@PARALLEL
def test_threads_are_shared_out(engine: Engine, tmp_path: Path) -> None:
    assert ended(engine, [Job("job", "threads", tmp_path)])["job"].status == "done"
    # One CPU is reserved for a task of Ray; two workers share what there is.
    each = 1 if engine.name == "ray" else threads_each(2)
    found = ast.literal_eval((tmp_path / "threads").read_text())
    assert found == {"torch": each, "omp": str(each)}


@PARALLEL
def test_warnings_of_workers_are_passed_on_and_nothing_else(
    engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture
) -> None:
    caplog.set_level("INFO")
    ended(engine, [Job("talk", "say", tmp_path)])
    assert "job talk: a warning of talk" in caplog.messages
    assert "nothing to see" not in caplog.text
    assert capfd.readouterr().out == ""  # --json promises JSON alone


@pytest.mark.parametrize("name", ["workers:2", RAY])
@pytest.mark.parametrize("violent", [False, True], ids=["Ctrl-C", "killed"])
def test_nothing_outlives_its_parent(
    name: str, violent: bool, script: list[str], tmp_path: Path
) -> None:
    parent = subprocess.Popen(
        [*script, name, str(tmp_path)],
        start_new_session=True,
        env=os.environ | {"PYTHONPATH": HERE},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        started = [tmp_path / "sleeps", tmp_path / "starts", tmp_path / "child"]
        wait_for(lambda: all(file.exists() and file.read_text() for file in started), seconds=60)
        left = [int(file.read_text()) for file in started]
        if violent:
            parent.kill()
        else:
            os.killpg(parent.pid, signal.SIGINT)  # as a terminal does it
        _, complaints = parent.communicate(timeout=30)
    finally:
        parent.kill()
    assert parent.returncode == (-signal.SIGKILL if violent else 130)
    assert complaints == ""
    wait_for(lambda: not any(alive(process) for process in left), seconds=20)
