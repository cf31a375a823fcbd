"""Fill the edit cache from several places: parts of a source on other machines, or on other GPUs.

An image belongs to one part, so no edit is made twice; the cache takes any number of writers. What
needs all images at once, the threshold of faithful selection above all, is left to the run that
comes after and finds every edit made.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import re
import signal
from collections.abc import Sequence
from typing import Any

from genmix_da.augment.cache import edit_cache
from genmix_da.augment.editors import make_editor
from genmix_da.augment.edits import ask_first, edit_domain, refuse_unreadable
from genmix_da.augment.prompts import load_prompts
from genmix_da.augment.settings import AugmentSettings
from genmix_da.augment.shards import Filled
from genmix_da.data.domain import Domain
from genmix_da.errors import UserError, user_message
from genmix_da.progress import silence


def parse_shard(text: str) -> tuple[int, int]:
    """(i, n) of "i/n", i from 1 to n.

    Raises:
        UserError: anything else.
    """
    found = re.fullmatch(r"(\d+)/(\d+)", text.strip())
    part, parts = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= part <= parts:
        raise UserError(f"--shard is {text!r}; give i/n with i from 1 to n, e.g. 1/4.")
    return part, parts


def fill_cache(
    domain: Domain, s: AugmentSettings, *, device: str = "auto", shard: tuple[int, int] = (1, 1)
) -> Filled:
    """Make the edits of a part of a domain, and nothing else.

    Args:
        domain: labelled images.
        s: settings, the same for every part.
        device: that the editor runs on.
        shard: (i, n): every n-th image, from the i-th.

    Raises:
        UserError: as `edit_domain`.
    """
    editor = make_editor(s.editor, s.options(), device=device)
    cache, prompts = edit_cache(), load_prompts(s.prompts)
    ask_first(domain, prompts, editor, cache, s, shard)
    readable, jobs, skipped, made, mark = edit_domain(domain, prompts, editor, cache, s, shard)
    if shard == (1, 1):
        refuse_unreadable(domain, len(readable.images))
    failed = sum(cache.failure(job.key) is not None for job in jobs)
    return Filled(len(readable.images), len(jobs), made, failed, len(skipped), mark)


def edit_on_devices(domain: Domain, s: AugmentSettings, devices: Sequence[str]) -> Filled:
    """Make the edits of a domain in one process a device.

    Where one of them fails the others go on to their end: what they make is kept.

    Args:
        domain: labelled images.
        s: settings.
        devices: e.g. ("cuda:0", "cuda:1").

    Returns:
        What all parts came to.

    Raises:
        UserError: a process failed; says which, and why.
    """
    context = multiprocessing.get_context("spawn")
    workers = []
    for part, device in enumerate(devices, 1):
        answer, question = context.Pipe(duplex=False)
        worker = context.Process(
            target=_work, args=(domain, s, device, (part, len(devices)), question), daemon=True
        )
        worker.start()
        question.close()
        workers.append((device, worker, answer))
    problems, parts = [], []
    for device, worker, answer in workers:
        try:
            result = answer.recv()
        except EOFError:
            worker.join()
            result = f"its process died (exit code {worker.exitcode})"
        worker.join()
        if isinstance(result, Filled):
            parts.append(result)
        else:
            problems.append(f"{device}: {result}")
    if problems:
        raise UserError(
            f"editing failed on {len(problems)} of {len(devices)} devices; finished edits are kept "
            f"({'; '.join(problems)})"
        )
    marks = "".join(part.fingerprint for part in parts)
    return Filled(
        images=sum(part.images for part in parts),
        edits=sum(part.edits for part in parts),
        made=sum(part.made for part in parts),
        failed=sum(part.failed for part in parts),
        skipped=sum(part.skipped for part in parts),
        fingerprint=hashlib.sha256(marks.encode()).hexdigest(),
    )


def _work(
    domain: Domain, s: AugmentSettings, device: str, shard: tuple[int, int], answer: Any
) -> None:
    """A process of `edit_on_devices`; sends `Filled`, or what went wrong."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its processes, in one voice
    if shard[0] > 1:
        silence()
    try:
        filled = fill_cache(domain, s, device=device, shard=shard)
    except Exception as error:
        answer.send(user_message(error) or f"{type(error).__name__}: {error}")
    else:
        answer.send(filled)
