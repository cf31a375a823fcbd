"""Engines by name, Ray among them, and a script that runs jobs on one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine_cases import HERE, SCRIPT
from genmix_da.engines.base import Engine
from genmix_da.engines.choose import parse_engine


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


@pytest.fixture
def script(tmp_path: Path) -> list[str]:
    file = tmp_path / "script.py"
    file.write_text(SCRIPT)
    return [sys.executable, str(file)]
