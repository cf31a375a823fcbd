"""Several items at once, each in a process of this machine with its own device and threads.

Processes are started with "spawn", take one item after another and stay for further runs of their
engine: a table has several. Each leads a process group of its own, so that Ctrl-C at a terminal
reaches the parent alone, and so that whatever an item has started (data loaders, editors) ends with
its worker. A pipe ties a worker to its parent: at the parent's end of life, however violent, the
worker reads its end and kills its group.

Linux and macOS.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import connection, get_context
from typing import Any

from genmix_da.allocation import keep_freed_memory
from genmix_da.engines.attempt import (
    Attempts,
    Report,
    attempt,
    cap_torch,
    report_of,
    settled,
    thread_caps,
    threads_each,
)
from genmix_da.engines.base import Item, ItemT, Outcome
from genmix_da.engines.gpus import gpus_of_workers, visible_gpus
from genmix_da.engines.supply import Supply, shown
from genmix_da.progress import silence

_POLL = 1.0  # seconds; a process that an item has left behind can hide a worker's end from its pipe
_MOST_FAILED_STARTS = 3


class WorkersEngine:
    """Runs items in processes of this machine, which stay for further runs.

    Args:
        workers: how many processes.
        gpus_per_job: GPUs for each; None gives each one of the visible GPUs, in turn.
    """

    def __init__(self, workers: int, gpus_per_job: float | None = None) -> None:
        self.workers = workers
        self.gpus_per_job = gpus_per_job
        self.name = f"workers:{workers}"
        self._crew: _Crew | None = None

    def run(
        self, work: Callable[[ItemT], object], items: Iterable[ItemT], *, progress: str = "working"
    ) -> Iterator[Outcome]:
        """Yield an outcome as each item ends; see `genmix_da.engines.base.Engine`."""
        supply = Supply(items)
        crew = self._crew or self._hire()
        try:
            yield from shown(crew.outcomes(work, supply), items, progress)
        except BaseException:  # also where nobody wants the rest
            self._crew = None
            crew.kill()
            raise

    def _hire(self) -> _Crew:
        """Workers for this run and those after it: starting them and importing takes seconds."""
        gpus = gpus_of_workers(self.workers, self.gpus_per_job, visible_gpus())
        self._crew = crew = _Crew(gpus, threads_each(self.workers))
        weakref.finalize(self, crew.kill)  # at the latest when the interpreter ends
        return crew


class _Crew:
    """The workers of one run; `gpus` holds one entry a worker."""

    def __init__(self, gpus: Sequence[str | None], threads: int) -> None:
        self._gpus = gpus
        self._threads = threads
        self._workers: list[_Worker] = []
        self._failed_starts = 0  # in a row

    def outcomes(self, work: Callable[[ItemT], object], supply: Supply[ItemT]) -> Iterator[Outcome]:
        """Run all items."""
        waiting, attempts = supply.waiting, Attempts()
        ended: list[Outcome] = []
        supply.ask(len(self._gpus))
        while waiting or ended or self._busy():
            self._fill(self._busy() + len(waiting))
            for worker in self._workers:
                if waiting and worker.ready and worker.item is None:
                    worker.give(work, waiting.popleft())
            yield from ended  # only now: whoever takes them may be long about it
            if not self._workers:
                yield from (Outcome(item.key, "lost", _NO_START, 0.0) for item in supply.rest())
                return
            ended = self._listen(supply, attempts) if waiting or self._busy() else []
            supply.ask(len(self._gpus) - self._busy())

    def _listen(self, supply: Supply[Any], attempts: Attempts) -> list[Outcome]:
        """Wait for news; items of lost workers that have attempts left wait again."""
        ended: list[Outcome] = []
        connection.wait([worker.pipe for worker in self._workers], timeout=_POLL)
        for worker in list(self._workers):
            item, told = worker.item, worker.told()
            if told is _GONE:
                self._bury(worker)
                if item is None:
                    continue
                outcome = attempts.lost(item, worker.end(), worker.seconds())
                if outcome is None:
                    supply.waiting.append(item)
                else:
                    ended.append(outcome)
            elif isinstance(told, Report) and item is not None:
                worker.item = None
                if told.broken:  # a CUDA context, say, is of no use after a failed assertion
                    self._bury(worker)
                ended.append(settled(item, told))
            elif told is not None:
                worker.ready, self._failed_starts = True, 0
        return ended

    def kill(self) -> None:
        """End all workers, and what they have started, at once."""
        while self._workers:
            self._workers.pop().kill()

    def _busy(self) -> int:
        return sum(worker.item is not None for worker in self._workers)

    def _bury(self, worker: _Worker) -> None:
        self._workers.remove(worker)
        worker.kill()
        if not worker.ready:
            self._failed_starts += 1

    def _fill(self, wanted: int) -> None:
        taken = {worker.place for worker in self._workers}
        for place, gpu in enumerate(self._gpus):
            if len(self._workers) >= wanted or self._failed_starts >= _MOST_FAILED_STARTS:
                return
            if place not in taken:
                self._workers.append(_Worker(place, gpu, self._threads))


_NO_START = (
    f"worker processes ended while starting, {_MOST_FAILED_STARTS} times in a row (a script that "
    "calls this must do so below: if __name__ == '__main__')"
)
_READY = "ready"
_GONE = "gone"


class _Worker:
    """A process as its parent sees it."""

    def __init__(self, place: int, gpu: str | None, threads: int) -> None:
        self.place = place
        self.item: Item | None = None
        self.ready = False
        self._given = 0.0
        context = get_context("spawn")
        self.pipe, theirs = context.Pipe()
        # Not a daemon in multiprocessing's sense: those may not start processes of their own.
        self.process = context.Process(target=_serve, args=(theirs, threads), daemon=False)
        environment = thread_caps(threads)
        if gpu is not None:
            environment["CUDA_VISIBLE_DEVICES"] = gpu
        with _environment(environment), _no_interrupt():
            self.process.start()
        theirs.close()

    def give(self, work: Callable[[Any], object], item: Item) -> None:
        """Hand over an item; that the worker has just died shows at its pipe."""
        order = pickle.dumps((work, item))
        self.item, self._given = item, time.monotonic()
        with suppress(OSError):
            self.pipe.send_bytes(order)

    def told(self) -> object:
        """_READY, a Report, _GONE, or None where there is nothing new."""
        over = self.process.exitcode is not None  # asked first: what it sent before is still read
        try:
            if self.pipe.poll():
                return self.pipe.recv()
        except (EOFError, OSError):
            return _GONE
        return _GONE if over else None

    def kill(self) -> None:
        """End the process and its group."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.ident or 0, signal.SIGKILL)
        self.process.kill()  # it may not lead its group yet
        self.process.join()
        self.pipe.close()

    def end(self) -> str:
        """How a dead process ended, in words."""
        code = self.process.exitcode or 0
        if code >= 0:
            return f"its worker process ended with exit code {code}"
        name = signal.Signals(-code).name
        memory = ", perhaps for want of memory" if name == "SIGKILL" else ""
        return f"its worker process was killed by {name}{memory}"

    def seconds(self) -> float:
        """Since the last item was given."""
        return time.monotonic() - self._given


@contextmanager
def _environment(changes: dict[str, str]) -> Iterator[None]:
    """Set variables for a process about to start: libraries read them when they are imported."""
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _no_interrupt() -> Iterator[None]:
    """A process started now is deaf to Ctrl-C from its first moment; here it only comes later."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(pipe: connection.Connection, threads: int) -> None:
    """A worker's life."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.setpgid(0, 0)
    # Standard output is the parent's answer; with --json it must hold nothing else.
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    silence()
    keep_freed_memory()
    orders: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(pipe, orders), daemon=True).start()
    pipe.send(_READY)
    while True:
        pipe.send(_obey(orders.get(), threads))


def _obey(order: bytes, threads: int) -> Report:
    try:
        work, item = pickle.loads(order)
    except Exception as error:  # e.g. a module that is found only from the parent's folder
        return report_of(error)
    cap_torch(threads)
    return attempt(work, item, remote=True)


def _receive(pipe: connection.Connection, orders: queue.SimpleQueue[bytes]) -> None:
    """Pass orders on; where the parent is gone, end this process and its group, busy or not."""
    parent = os.getppid()
    try:
        while True:
            while not pipe.poll(_POLL):
                if os.getppid() != parent:  # where another process holds the pipe's other end
                    raise EOFError
            orders.put(pipe.recv_bytes())
    except (EOFError, OSError):
        os.killpg(os.getpid(), signal.SIGKILL)
