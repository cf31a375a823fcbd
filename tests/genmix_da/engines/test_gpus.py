"""How the GPUs of a machine are shared out."""

from __future__ import annotations

import pytest

from genmix_da.engines.gpus import gpus_of_workers
from genmix_da.errors import UserError


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
