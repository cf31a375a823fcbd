"""What `classify table` is asked for: mistakes are named by the options that were typed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (
            ("--augment-option", "alpha=1"),
            "--augment-option is decided by the table; use --methods",
        ),
        (("--seed", "3"), "--seed is decided by the table; use --seeds"),
    ],
)
def test_what_the_table_decides(
    run: Callable[..., Any], complaint: Callable[..., str], option: tuple[str, ...], said: str
) -> None:
    assert said in complaint(run("classify", "table", "--data", "photos", *option))


def test_empty_data_are_not_the_current_folder(
    run: Callable[..., Any],
    complaint: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "no data; give --data" in complaint(run("classify", "table", "--data", ""))
