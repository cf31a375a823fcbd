"""Engines to run tests with, and what a test waits for."""

from __future__ import annotations

import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from engine_jobs import Job, work
from genmix_da.engines.base import Engine, Outcome

HERE = str(Path(__file__).parent)  # worker processes import the jobs by name
RAY = pytest.param(
    "ray",
    marks=[
        pytest.mark.slow,
        pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed"),
    ],
)
PARALLEL = pytest.mark.parametrize("engine", ["workers:2", RAY], indirect=True)
EVERY = pytest.mark.parametrize("engine", ["local", "workers:2", RAY], indirect=True)
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


def ended(engine: Engine, jobs: list[Job]) -> dict[str, Outcome]:
    """Run jobs; each must come out once."""
    outcomes = list(engine.run(work, jobs, progress="testing"))
    assert sorted(outcome.key for outcome in outcomes) == sorted(job.key for job in jobs)
    return {outcome.key: outcome for outcome in outcomes}


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
