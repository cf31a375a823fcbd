"""Few fractals."""

from __future__ import annotations

import pytest

from genmix_da.augment import compose


@pytest.fixture(autouse=True)
def few_fractals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compose, "COUNT", 2)
