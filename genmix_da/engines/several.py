"""One run on several devices: a process for each, of which the first writes the run.

Every process does the whole run but for the backbone's passes (`lead.shards`). The others write
into a folder that is thrown away; it begins as a copy of what the first one finds, so that all of
them find the same.
"""

from __future__ import annotations

import logging
import multiprocessing
import multiprocessing.connection
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from genmix_da.errors import UserError, user_message
from genmix_da.places import user_path
from genmix_da.progress import silence
from genmix_da.stores.copies import fetch
from lead.shards import MEETING, RANK, WORLD

# What is only ever replaced as a whole is linked into the copies.
_LINKED = (".safetensors", ".npy", ".jpg", ".png")
_GRACE = 10.0  # seconds that processes have to end after one of them has


def parse_devices(text: str) -> list[str]:
    """Devices with commas between: "0,1" are GPUs; "cpu,cpu" two processes on the CPU.

    Raises:
        UserError: one names no device, a GPU is named twice, or CUDA and CPU are mixed.
    """
    from genmix_da.device import check_device_name

    found = [part.strip() for part in text.split(",") if part.strip()]
    devices = [f"cuda:{part}" if part.isdecimal() else part for part in found]
    for device in devices:
        check_device_name(device)
    kinds = {device.partition(":")[0] for device in devices}
    cards = [device for device in devices if device != "cpu"]
    if not devices or len(kinds) > 1 or len(set(cards)) < len(cards) or "auto" in devices:
        raise UserError(f"--devices is {text!r}; give several GPUs once each, e.g. 0,1,2,3.")
    return devices


def own_folder(out: str | Path | None, log: Any, options: Mapping[str, Any]) -> Path:
    """The folder of a run on several devices.

    Raises:
        UserError: it is not named, or what goes with one device alone is.
    """
    if out is None or log is not None:
        raise UserError("--devices needs --out, and goes without --log.")
    if options.get("device") not in (None, "auto"):
        raise UserError("--device and --devices say the same; leave --device out.")
    return user_path(out)


def run_on(
    devices: Sequence[str],
    run: Callable[..., Any],
    folders: Mapping[str, Path],
    options: Mapping[str, Any],
) -> None:
    """Call `run` in a process on each device.

    Args:
        devices: see `parse_devices`.
        run: importable; called with the folders, `device` and the options.
        folders: option -> folder that it writes to or reads from; the first process has these, the
            others copies.
        options: others.

    Raises:
        UserError: what `run` refuses, or a process that died; says which.
    """
    for path in folders.values():
        fetch(path)
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="genmix-da-") as spare:
        meeting = f"tcp://127.0.0.1:{_free_port()}"
        workers = []
        for rank, device in enumerate(devices):
            own = dict(folders)
            if rank:
                home = Path(spare) / str(rank)
                own = {name: _copy(path, home / name) for name, path in folders.items()}
            answer, question = context.Pipe(duplex=False)
            place = {RANK: str(rank), WORLD: str(len(devices)), MEETING: meeting}
            arguments = (run, {**options, **own, "device": device}, place, question)
            worker = context.Process(target=_work, args=arguments, daemon=False)
            worker.start()
            question.close()
            workers.append((device, worker, answer))
        try:
            _wait(workers)
        finally:
            _end(workers)


def _wait(workers: list[tuple[str, Any, Any]]) -> None:
    """Until all are done.

    Raises:
        UserError: one is not done well.
    """
    running = {worker.sentinel: (device, worker, answer) for device, worker, answer in workers}
    lost: list[str] = []
    until = None
    while running and (until is None or time.monotonic() < until):
        for sentinel in multiprocessing.connection.wait(list(running), timeout=0.5):
            device, worker, answer = running.pop(sentinel)
            worker.join()
            said = _answer(answer)
            if worker.exitcode == 0:
                continue
            if said is not None:
                raise UserError(said)  # every process would say it
            signalled = -worker.exitcode if worker.exitcode < 0 else 0
            end = f"signal {signalled}" if signalled else f"exit code {worker.exitcode}"
            lost.append(f"the process on {device} ended with {end}")
            until = until or time.monotonic() + _GRACE
    if lost:
        raise UserError(f"{lost[0]}; what is finished is kept, --resume goes on with the run.")


def _end(workers: list[tuple[str, Any, Any]]) -> None:
    for _, worker, _ in workers:
        if worker.is_alive():
            worker.terminate()
    for _, worker, _ in workers:
        worker.join(_GRACE)
        if worker.is_alive():
            worker.kill()


def _answer(answer: Any) -> str | None:
    with suppress(EOFError, OSError):
        if answer.poll():
            return str(answer.recv())
    return None


def _work(
    run: Callable[..., Any], options: dict[str, Any], place: dict[str, str], answer: Any
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its processes, in one voice
    os.environ |= place
    first = place[RANK] == "0"
    if first:
        _speak()
    else:
        silence()
        sys.stderr = sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115  (until the end)
    try:
        run(**options)
    except Exception as error:
        message = user_message(error)
        if message is None:
            raise
        answer.send(message)
        sys.exit(2)


def _speak() -> None:
    """Messages of this process on standard error, as the command line has them."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    handler.setLevel(logging.INFO)
    for name in ("genmix_da", "lead"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.DEBUG)
        logger.addHandler(handler)


def _copy(source: Path, target: Path) -> Path:
    if source.is_dir():
        shutil.copytree(source, target, copy_function=_link_or_copy)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
    return target


def _link_or_copy(source: str, target: str) -> str:
    if Path(source).suffix in _LINKED:
        with suppress(OSError):
            os.link(source, target)
            return target
    return shutil.copy2(source, target)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
