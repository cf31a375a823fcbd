"""Freed memory is kept, where the C library is glibc."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

# Pages that the system had to clear for the second of two blocks of 400 MB, each freed at once.
FAULTS = """
import resource
import numpy as np
from genmix_da.allocation import keep_freed_memory
if {keep}:
    assert keep_freed_memory()
np.ones(50_000_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
np.ones(50_000_000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_a_block_that_was_freed_is_used_again() -> None:
    def faults(keep: bool) -> int:
        command = [sys.executable, "-c", FAULTS.format(keep=keep)]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    assert faults(True) < 1000
    assert faults(False) > 10 * faults(True)
