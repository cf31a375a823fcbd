"""How many images fit, and what to do when they do not."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

import torch

logger = logging.getLogger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")

_SHARE = 0.8  # of free memory; the rest is for fragmentation and workspaces
_MOST = 64


class OutOfMemory(Exception):
    """One image alone does not fit."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error is a device's or the host's refusal to allocate."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and "allocate memory" in str(error)


def in_batches(
    work: Callable[[Sequence[Item]], list[Result]],
    items: Sequence[Item],
    kinds: Sequence[Hashable],
    size: Callable[[], int],
    shrunk: Callable[[int], None],
) -> list[Result]:
    """Work on items in batches of one kind each, and smaller ones where memory does not suffice.

    Args:
        work: results of a batch, in order.
        items, kinds: one kind an item.
        size: of the next batch; asked again for each.
        shrunk: told the size that is tried next.

    Returns:
        Results in the order of the items.

    Raises:
        OutOfMemory: one item alone does not fit.
    """
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for number, kind in enumerate(kinds):
        groups[kind].append(number)
    results: dict[int, Result] = {}
    for members in groups.values():
        while members:
            most = size()
            chunk, members = members[:most], members[most:]
            done = _in_halves(work, [items[number] for number in chunk], shrunk)
            results.update(zip(chunk, done, strict=True))
    return [results[number] for number in range(len(items))]


def _in_halves(
    work: Callable[[Sequence[Item]], list[Result]],
    items: Sequence[Item],
    shrunk: Callable[[int], None],
) -> list[Result]:
    """All items at once, or halves where memory does not suffice; see `in_batches`."""
    try:
        return work(items)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        if len(items) == 1:
            raise OutOfMemory(str(error)) from error
    # Outside the handler: the exception's frames hold the tensors that were too many.
    torch.cuda.empty_cache()
    half = (len(items) + 1) // 2
    logger.warning("out of memory with %d images at once; going on with %d", len(items), half)
    shrunk(half)
    first = _in_halves(work, items[:half], shrunk)
    return first + _in_halves(work, items[half:], shrunk)


def batch_that_fits(device: torch.device, one: Callable[[], object]) -> int:
    """Images of one batch: a power of two, from the memory that one image takes.

    Args:
        device: a CUDA device, networks loaded.
        one: works on a single image.
    """
    one()  # kernels and workspaces are set up by the first call
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    one()
    each = max(torch.cuda.max_memory_allocated(device) - before, 1)
    torch.cuda.empty_cache()
    free = torch.cuda.mem_get_info(device)[0]
    fitting = int(_SHARE * free / each)
    return min(2 ** max(fitting.bit_length() - 1, 0), _MOST)
