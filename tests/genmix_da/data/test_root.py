"""Where the data are: named, in the environment, or drawn."""

from __future__ import annotations

from pathlib import Path

import pytest

from genmix_da.data.root import data_root
from genmix_da.places import default_data


def test_data_variable_names_the_data(monkeypatch: pytest.MonkeyPatch, data: Path) -> None:
    assert default_data() is None
    monkeypatch.setenv("GENMIX_DA_DATA", str(data))
    assert default_data() == str(data)
    assert data_root(None) == data
    assert data_root("other") == Path("other")
