"""How the C library deals with memory that a step of training gives back."""

from __future__ import annotations

import ctypes

# Of mallopt, in <malloc.h> of glibc.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
_MOST = 2**31 - 1
_PADDING = 2**28  # asked of the system at once


def keep_freed_memory() -> bool:
    """Let this process keep what it frees for its next allocation.

    By default glibc hands a large tensor's pages back as soon as it is freed, and the system clears
    new ones for the next: on a CPU this is up to half the time of a training step of a network with
    large activations (`scripts/bench/adapt.py` measures it). No result depends on it; the process
    stays at the peak of its memory, which itself may be somewhat higher.

    Returns:
        False where the C library is another one: nothing is changed then.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # musl, macOS, Windows
        return False
    changes = ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, _MOST), (_TOP_PAD, _PADDING))
    return all(mallopt(name, value) == 1 for name, value in changes)
