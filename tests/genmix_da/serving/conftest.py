"""A served model, in this process and on loopback."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the extra serve is not installed")


@pytest.fixture(scope="session")
def answerer(finished: Any) -> Any:
    """Of an adapted run."""
    from genmix_da import load_model
    from genmix_da.serving.answers import Answerer

    return Answerer(load_model(finished.folder, "cpu"), "demo")


@pytest.fixture(scope="session")
def client(answerer: Any) -> Any:
    """Requests that are answered in this process."""
    from fastapi.testclient import TestClient

    from genmix_da.serving.app import make_app

    return TestClient(make_app(answerer), base_url="http://127.0.0.1")


@pytest.fixture(scope="session")
def served() -> Callable[[Any], Any]:
    """Runs an application on a free port of loopback; gives its address."""
    import uvicorn

    @contextmanager
    def run(app: Any) -> Iterator[str]:
        from genmix_da.serving.run import listen

        with listen("127.0.0.1", 0) as bound:
            server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
            thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
            thread.start()
            try:
                yield f"http://127.0.0.1:{bound.getsockname()[1]}"
            finally:
                server.should_exit = True
                thread.join(timeout=20)
                assert not thread.is_alive()

    return run


@pytest.fixture(scope="session")
def photos(data: Path) -> list[Path]:
    """Images of the target."""
    return sorted((data / "Clipart").rglob("*.*"))[:12]
