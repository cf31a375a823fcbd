"""Items as tasks of a Ray cluster: one that runs already, or one of this machine for the run alone.

Ray starts the processes, places them on nodes and says when one was lost. It is told to retry
nothing: it would try again without end after some losses and not at all after others.
"""

from __future__ import annotations

import importlib
import logging
import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import Any

from genmix_da.allocation import keep_freed_memory
from genmix_da.engines.attempt import (
    Attempts,
    Report,
    attempt,
    cap_torch,
    cores,
    report_of,
    settled,
    thread_caps,
)
from genmix_da.engines.base import Item, ItemT, Outcome
from genmix_da.engines.ray_room import fitting, need, room, share
from genmix_da.engines.supply import Supply, shown
from genmix_da.errors import UserError
from genmix_da.progress import silence

logger = logging.getLogger(__name__)

_POLL = 2.0  # seconds
_AHEAD = 2  # items of an iterator that are with Ray for each that runs: none waits for the next
# Seconds without the cluster's head, or without a node that jobs fit on, until what is left is
# lost. Ray itself ends this process, without a word to Python, after 60 seconds without the head.
_PATIENCE = 30.0
_STORE = 80 * 2**20  # bytes; results are files, so Ray's object store stays all but empty
# Where caches and data lie is the same for every node, or the shared file system is of no use.
_PASSED_ON = (
    *("GENMIX_DA_CACHE", "GENMIX_DA_DATA", "XDG_CACHE_HOME", "TORCH_HOME"),
    *("HF_HOME", "HF_HUB_OFFLINE", "HF_HUB_CACHE"),
)


class RayEngine:
    """Runs items on Ray.

    Args:
        address: of a cluster's head, HOST:PORT; "auto" for the one that `ray start` began
            here; "local" for one of this machine alone. None: $RAY_ADDRESS, else auto, else local.
        gpus_per_job: GPUs that Ray reserves for each item; None for 1 where there are GPUs, else 0.
    """

    name = "ray"

    def __init__(self, address: str | None = None, gpus_per_job: float | None = None) -> None:
        self.address = address
        self.gpus_per_job = gpus_per_job

    def run(
        self, work: Callable[[ItemT], object], items: Iterable[ItemT], *, progress: str = "working"
    ) -> Iterator[Outcome]:
        """Yield an outcome as each item ends; see `genmix_da.engines.base.Engine`."""
        supply = Supply(items)
        with _connected(self.address) as ray:
            outcomes = _outcomes(ray, self.gpus_per_job, work, supply)
            yield from shown(outcomes, items, progress)


def _outcomes(
    ray: Any, wanted: float | None, work: Callable[[ItemT], object], supply: Supply[ItemT]
) -> Iterator[Outcome]:
    """Run all items on the cluster that Ray is connected to."""
    gpus = wanted if wanted is not None else float(ray.cluster_resources().get("GPU", 0) >= 1)
    nodes = fitting(ray.nodes(), gpus)
    if not nodes:
        raise UserError(f"no node of the Ray cluster has {need(gpus)}; see: ray status.")
    threads = min(share(node, gpus) for node in nodes)
    task = ray.remote(_task).options(
        num_cpus=1,
        num_gpus=gpus,
        max_retries=0,
        runtime_env={"env_vars": _environment(threads, gpus)},
    )

    def begin(item: Item) -> Any:
        return task.remote(work, item, str(Path.cwd()), threads)

    attempts, watch = Attempts(), _Watch(ray, gpus, room(nodes, gpus))
    running: dict[Any, Item] = {}
    try:
        while True:
            supply.ask(_AHEAD * watch.room - len(running))
            while supply.waiting:
                item: Item = supply.waiting.popleft()
                running[begin(item)] = item
            if not running:
                return
            ended, _ = ray.wait(list(running), num_returns=1, timeout=_POLL)
            for reference in ended:
                item = running.pop(reference)
                try:
                    report = ray.get(reference)
                except ray.exceptions.RayTaskError as error:  # before the task began
                    report = report_of(error.cause or error)
                except ray.exceptions.RayError as error:
                    outcome = attempts.lost(item, _why(error))
                    if outcome is None:
                        running[begin(item)] = item
                    else:
                        yield outcome
                    continue
                yield settled(item, report)
            trouble = watch.trouble()
            if trouble:
                left: Iterable[Item] = chain(running.values(), supply.rest())
                yield from (Outcome(item.key, "lost", trouble, 0.0) for item in left)
                running.clear()
    finally:
        for reference in running:
            with suppress(Exception):
                ray.cancel(reference, force=True)


def _task(work: Callable[[ItemT], object], item: ItemT, folder: str, threads: int) -> Report:
    """An item, in a process of Ray."""
    silence()
    try:
        os.chdir(folder)  # relative paths mean what they mean where the command was given
    except OSError:
        missing = f"node {socket.gethostname()} has no folder {folder}, where the command was given"
        return report_of(UserError(f"{missing}; start from a folder that all nodes share."))
    cap_torch(threads)
    keep_freed_memory()
    return attempt(work, item, remote=True)


def _environment(threads: int, gpus: float) -> dict[str, str]:
    variables = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    if gpus == 0:  # later versions of Ray leave all GPUs visible to a task that asks for none
        variables["CUDA_VISIBLE_DEVICES"] = ""
    return variables | thread_caps(threads)


def _why(error: BaseException) -> str:
    """A sentence for a loss that Ray describes in many lines."""
    kind = type(error).__name__
    known = {
        "OutOfMemoryError": "its worker process was ended by Ray for want of memory",
        "WorkerCrashedError": "its worker process was killed",
        "NodeDiedError": "its node is gone",
        "LocalRayletDiedError": "Ray has ended on its node",
    }
    return known.get(kind) or report_of(error).reason


class _Watch:
    """Is there still a cluster that the items can run on?

    Attributes:
        room: items that run on it at once.
    """

    def __init__(self, ray: Any, gpus: float, room: int) -> None:
        self.room = room
        self._ray = ray
        self._gpus = gpus
        self._head = str(ray.get_runtime_context().gcs_address)
        self._asked = self._well = time.monotonic()

    def trouble(self) -> str | None:
        """Why what is left is lost, or None; to be asked often."""
        now = time.monotonic()
        if now - self._asked < _POLL:
            return None
        if now - self._asked > _PATIENCE:  # whoever takes the outcomes was busy
            self._well = now
        self._asked = now
        nodes = self._fitting() if _reachable(self._head) else None
        if nodes is None:
            reason = f"the Ray cluster is gone: its head {self._head} does not answer"
        elif not nodes:
            reason = f"no node is left in the Ray cluster that has {need(self._gpus)}"
        else:
            self._well = now
            return None
        return reason if now - self._well > _PATIENCE else None

    def _fitting(self) -> list[dict[str, float]]:
        nodes = fitting(self._ray.nodes(), self._gpus)
        self.room = room(nodes, self._gpus)  # nodes come and go
        return nodes


def _reachable(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()
    except (OSError, ValueError):
        return False
    return True


@contextmanager
def _connected(address: str | None) -> Iterator[Any]:
    """Ray, connected; what was begun here is ended here."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # no report to Ray's makers
    try:
        ray: Any = importlib.import_module("ray")
    except ModuleNotFoundError as error:
        raise UserError(
            "--engine ray needs Ray: pip install 'genmix-da[ray]', or use --engine workers:N."
        ) from error
    if ray.is_initialized():  # the caller's own
        yield ray
        return
    with _hushed(ray):
        try:
            _connect(ray, address or os.environ.get("RAY_ADDRESS"))
            yield ray
        finally:
            ray.shutdown()


@contextmanager
def _hushed(ray: Any) -> Iterator[None]:
    """What Ray says of lost workers goes to the log, at DEBUG.

    It prints that to standard output whatever its settings, where --json promises JSON alone; there
    is no public way to stop it. Losses are told in this package's words.
    """

    def log(data: dict[str, Any], **_: Any) -> None:
        for line in data.get("lines", ()):
            logger.debug("Ray: %s", line)

    inside, name = ray._private.worker, "print_to_stdstream"
    before = getattr(inside, name, None)
    if before is not None:
        setattr(inside, name, log)
    try:
        yield
    finally:
        if before is not None:
            setattr(inside, name, before)


def _connect(ray: Any, address: str | None) -> None:
    """Join the cluster, or start one where none is named and none is found."""
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address is not None and "://" in address:
        raise UserError(
            f"{address}: give HOST:PORT of the cluster's head, on one of its nodes; Ray Client "
            "and other schemes are not supported."
        )
    if address in (None, "auto"):
        # Ray's own "auto" joins any Ray of this machine, another run's private one too, and waits a
        # minute for a cluster that has ended; this is the one that `ray start` has noted.
        noted = ray._private.services.find_bootstrap_address(None)
        if noted and _reachable(noted):
            address = noted
        elif address == "auto":
            raise UserError("no Ray cluster runs on this machine; start one: ray start --head.")
    elif address != "local" and not _reachable(str(address)):
        raise UserError(f"no Ray cluster answers at {address}; check --ray-address or RAY_ADDRESS.")
    if address not in (None, "local"):
        try:
            ray.init(address=address, **quiet)
            return
        except (
            ConnectionError,
            RuntimeError,
            ValueError,
            OSError,
            ray.exceptions.RayError,
        ) as error:
            raise UserError(
                f"cannot join the Ray cluster {address} ({report_of(error).reason}); this command "
                "has to run on one of its nodes, with the cluster's token where it asks for one "
                "(RAY_AUTH_MODE, RAY_AUTH_TOKEN), or with --ray-address local."
            ) from error
    ray.init(
        address="local",
        num_cpus=cores(),
        include_dashboard=False,
        object_store_memory=_STORE,
        **quiet,
    )
