"""Office-Home in small, as it lies in its archive, and published facts that fit it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from genmix_da.data.published_sets import SETS
from office_home import OFFICE_HOME_CLASSES, OFFICE_HOME_DOMAINS

ARCHIVE = "OfficeHomeDataset_10072016"
Put = Callable[..., None]


@pytest.fixture
def put(monkeypatch: pytest.MonkeyPatch) -> Put:
    """Changes fields of a published data set."""

    def change(name: str, **fields: Any) -> None:
        monkeypatch.setitem(SETS, name, dataclasses.replace(SETS[name], **fields))

    return change


@pytest.fixture
def ones(monkeypatch: pytest.MonkeyPatch, put: Put) -> None:
    """Office-Home with one image of each class in each domain as the published number."""
    table = pd.DataFrame(1, index=OFFICE_HOME_CLASSES, columns=list(OFFICE_HOME_DOMAINS))
    for place in ("check", "published_sets"):
        monkeypatch.setattr(
            f"genmix_da.data.{place}.class_counts", lambda name: {"office-home": table}[name]
        )
    put("office-home", images=dict.fromkeys(OFFICE_HOME_DOMAINS, 65))


@pytest.fixture
def unzipped(make_data: Callable, tmp_path: Path, ones: None) -> Path:
    """Office-Home as unzipped: one image a class, and other files beside."""
    root = make_data(tmp_path / "home" / ARCHIVE, OFFICE_HOME_DOMAINS, OFFICE_HOME_CLASSES, 1)
    (root / "ImageInfo.csv").write_text("a,b\n")
    return root
