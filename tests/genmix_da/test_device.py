"""Devices and the memory that a run took of them."""

from __future__ import annotations

import pytest
import torch

from genmix_da import device
from genmix_da.device import peak_memory_mib


@pytest.mark.parametrize(("platform", "unit"), [("linux", 2**10), ("darwin", 2**20)])
def test_peak_memory_is_in_mib(platform: str, unit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        ru_maxrss = 5 * unit

    monkeypatch.setattr(device.sys, "platform", platform)
    monkeypatch.setattr(device.resource, "getrusage", lambda who: Usage)
    assert peak_memory_mib(torch.device("cpu")) == {"process": 5.0}
