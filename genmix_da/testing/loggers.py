"""What a run tells every logger."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from genmix_da.loggers.base import Logger

ROWS = (
    {"stage": "source", "epoch": 1, "loss": 1.5},
    {"stage": "target", "epoch": 0, "losses": {}, "scores": {"h_score": 0.4, "nmi": None}},
    {"stage": "target", "epoch": 1, "losses": {"ce": 0.7}, "scores": {"h_score": 0.5}},
)
RESULT = {"method": "lead", "scores": {"last": {"h_score": 0.5, "nmi": None}}}


class LoggerContract:
    """Tests of one logger, which the fixture `make` makes anew.

    Loggers that send to a service are tested with a stub of it, which `make` puts in its place.
    """

    @pytest.fixture
    def make(self) -> Callable[[], Logger]:
        """Makes the logger that is tested."""
        raise NotImplementedError

    def test_it_takes_all_that_a_run_tells(
        self, make: Callable[[], Logger], tmp_path: Path
    ) -> None:
        """Numbers that are missing, epochs without losses, a page; a run that goes on."""
        page = tmp_path / "report.html"
        page.write_text("<p>report</p>")
        for _ in range(2):
            log = make()
            log.start(tmp_path, {"src": "Art", "seed": 1, "options": {"alpha": None}})
            for row in ROWS:
                log.epoch(row)
            log.finish(RESULT)
            log.file(page)
            log.close()
        assert page.read_text() == "<p>report</p>"
