"""One contract for every engine: errors are reported, losses are tried again, nothing is left over.

Losses cannot be tested on the local engine: its worker is the test itself.
"""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from genmix_da.engines.attempt import cores
from genmix_da.engines.base import Engine, Outcome
from genmix_da.engines.choose import parse_engine
from genmix_da.engines.gpus import gpus_of_workers
from genmix_da.errors import UserError

HERE = str(Path(__file__).parent)
sys.path.insert(0, HERE)  # worker processes import the jobs by name

from engine_jobs import Job, attempts, pid, work  # noqa: E402

RAY = pytest.param(
    "ray",
    marks=[
        pytest.mark.slow,
        pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed"),
    ],
)
PARALLEL = pytest.mark.parametrize("engine", ["workers:2", RAY], indirect=True)
EVERY = pytest.mark.parametrize("engine", ["local", "workers:2", RAY], indirect=True)


@pytest.fixture(scope="module")
def ray_of_two_cores() -> Iterator[None]:
    """A Ray of this machine for all tests of the module."""
    import ray

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", HERE)
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(
            address="local",
            num_cpus=2,
            include_dashboard=False,
            object_store_memory=80 * 2**20,
            log_to_driver=False,
            logging_level="ERROR",
        )
        yield
        ray.shutdown()


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> Engine:
    if request.param == "ray":
        request.getfixturevalue("ray_of_two_cores")
    return parse_engine(request.param)


def ended(engine: Engine, jobs: list[Job]) -> dict[str, Outcome]:
    """Run jobs; each must come out once."""
    outcomes = list(engine.run(work, jobs, progress="testing"))
    assert sorted(outcome.key for outcome in outcomes) == sorted(job.key for job in jobs)
    return {outcome.key: outcome for outcome in outcomes}


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
    each = 1 if engine.name == "ray" else max(1, cores() // 2)
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


SCRIPT = f"""
import sys
from pathlib import Path
sys.path.insert(0, {HERE!r})
from engine_jobs import Job, work
from genmix_da.engines.choose import parse_engine
if __name__ == "__main__":
    name, folder = sys.argv[1], Path(sys.argv[2])
    engine = parse_engine(name, address="local" if name == "ray" else None)
    jobs = [Job("sleeps", "sleep", folder, "60"), Job("starts", "child", folder)]
    if "die" in sys.argv:
        jobs = [Job("dies", "die", folder)]
    try:
        for outcome in engine.run(work, jobs):
            print(outcome.status)
    except KeyboardInterrupt:
        sys.exit(130)
"""


@pytest.fixture
def script(tmp_path: Path) -> list[str]:
    file = tmp_path / "script.py"
    file.write_text(SCRIPT)
    return [sys.executable, str(file)]


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


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")
def test_a_ray_of_its_own_is_quiet_about_losses(script: list[str], tmp_path: Path) -> None:
    done = subprocess.run(
        [*script, "ray", str(tmp_path), "die"],
        env=os.environ | {"PYTHONPATH": HERE},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout == "lost\n"
    assert len(done.stderr.splitlines()) == 2  # attempts 2 and 3


@pytest.mark.slow
def test_a_script_without_a_guard_is_told_so(tmp_path: Path) -> None:
    file = tmp_path / "script.py"
    file.write_text(SCRIPT.replace('if __name__ == "__main__":', "if True:"))
    done = subprocess.run(
        [sys.executable, str(file), "workers:1", str(tmp_path)], capture_output=True, text=True
    )
    assert done.returncode == 0 and done.stdout == "lost\nlost\n"


def alive(process: int) -> bool:
    """Is it running? A zombie is not."""
    found = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True
    ).stdout.strip()
    return bool(found) and not found.startswith("Z")


def wait_for(condition: object, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("locl", "did you mean local?"),
        ("worker:4", "did you mean workers:4?"),
        ("workers", "did you mean workers:2?"),
        ("workers=3", "did you mean workers:3?"),
        ("4", "did you mean workers:4?"),
        ("workers:0", "N from 1"),
        ("workers:-1", "N from 1"),
        ("ray:2", "did you mean ray?"),
        ("slurm", "choose local, workers:N"),
        ("", "choose local, workers:N"),
    ],
)
def test_unknown_engines_are_refused_with_a_suggestion(text: str, hint: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_engine(text)
    assert hint in str(caught.value)


def test_names_and_options() -> None:
    assert [parse_engine(name).name for name in ("local", "workers:3", "Ray")] == [
        *("local", "workers:3", "ray")
    ]
    for text, options in [
        ("local", {"gpus_per_job": 1.0}),
        ("workers:2", {"address": "head:6379"}),
        ("workers:2", {"gpus_per_job": 1.5}),
        ("ray", {"gpus_per_job": -1.0}),
        ("ray", {"gpus_per_job": float("nan")}),
    ]:
        with pytest.raises(UserError, match=r"--gpus-per-job|--ray-address"):
            parse_engine(text, **options)  # type: ignore[arg-type]


def test_gpus_are_shared_out() -> None:
    four = ["0", "1", "2", "3"]
    assert gpus_of_workers(2, None, []) == [None, None]
    assert gpus_of_workers(2, 0, four) == ["", ""]
    assert gpus_of_workers(5, None, four[:2]) == ["0", "1", "0", "1", "0"]
    assert gpus_of_workers(2, 2, four) == ["0,1", "2,3"]
    assert gpus_of_workers(3, 0.5, four[:2]) == ["0", "1", "0"]
    assert gpus_of_workers(3, 1 / 3, four[:1]) == ["0", "0", "0"]
    for workers, each, visible in [(3, 1, four[:2]), (1, 2, four[:1]), (1, 1, []), (3, 0.5, ["0"])]:
        with pytest.raises(UserError, match="--gpus-per-job"):
            gpus_of_workers(workers, each, visible)


def test_without_ray_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match=r"pip install 'genmix-da\[ray\]'"):
        list(parse_engine("ray").run(work, []))


def test_choosing_an_engine_imports_neither_torch_nor_ray() -> None:
    code = (
        "import sys; from genmix_da.engines.choose import parse_engine; "
        "parse_engine('workers:2'); parse_engine('ray'); "
        "sys.exit(bool({'torch', 'ray', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
