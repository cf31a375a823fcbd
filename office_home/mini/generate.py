"""Draws single images, and writes the whole set to disk."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
from PIL import Image

from .catalogue import GENERATOR_VERSION, OBJECTS, check_names, counts, seed_of
from .look_art import draw_art
from .look_clipart import draw_clipart
from .look_product import draw_product
from .look_real_world import draw_real_world

MARKER = "mini_office_home.json"
JPEG_QUALITY = 92
STALE_SECONDS = 3600

_LOOKS = {
    "Art": draw_art,
    "Clipart": draw_clipart,
    "Product": draw_product,
    "Real World": draw_real_world,
}
_Task = tuple[str, str, str, int]


def draw(domain: str, name: str, index: int) -> Image.Image:
    """Draws one image; the same arguments always give the same pixels.

    Args:
        domain: One of `MINI_DOMAINS`.
        name: One of `MINI_CLASSES`.
        index: Number of the image within its domain and class, 0 or more.

    Returns:
        An 80 x 80 RGB image.

    Raises:
        ValueError: If the domain or the class is unknown.
    """
    check_names(domain, name)
    rng = np.random.default_rng(seed_of("image", domain, name, index))
    return _LOOKS[domain](OBJECTS[name], rng)


def make(
    root: Path,
    progress: Callable[[int, int], None] | None = None,
    processes: int | None = None,
) -> Path:
    """Writes the whole set to `root/<Domain>/<Class>/<number>.jpg`, unless it is there already.

    The set is drawn in a hidden sibling folder that takes the name `root` only once complete, so
    an interrupted call leaves no half-made set, and several calls at once all succeed.

    Args:
        root: Folder of the set. It must be absent, empty, or hold a set made by this function;
            a set of another `GENERATOR_VERSION`, or with files missing, is replaced.
        progress: Called with (images written, images in all) as folders are finished.
        processes: How many processes draw; None for one per available core. The files do not
            depend on it.

    Returns:
        `root` as an absolute path.

    Raises:
        FileExistsError: If `root` holds files that this function did not write.
        ValueError: If `processes` is less than 1.
    """
    if processes is not None and processes < 1:
        raise ValueError(f"The number of processes must be at least 1, not {processes}.")
    root = Path(root).absolute()
    if _is_complete(root):
        return root
    if root.exists() and not (root / MARKER).is_file() and (root.is_file() or any(root.iterdir())):
        raise FileExistsError(f"{root} holds files that are not a mini Office-Home set.")
    root.parent.mkdir(parents=True, exist_ok=True)
    _sweep(root)
    scratch = Path(tempfile.mkdtemp(prefix=_prefix(root), dir=root.parent))
    try:
        # mkdtemp keeps others out, which is right for secrets and wrong for a shared data folder.
        scratch.chmod(0o755)
        _write_set(scratch, progress, processes or _cores())
        _move_in(scratch, root)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return root


def is_intact(root: Path) -> bool:
    """Whether a set on disk is, byte by byte, what was drawn.

    Args:
        root: that `make` was given.
    """
    if not _is_complete(root):
        return False
    marker = json.loads((root / MARKER).read_text(encoding="utf-8"))
    return bool(marker.get("sha256") == _digest(root))


def _write_set(folder: Path, progress: Callable[[int, int], None] | None, processes: int) -> None:
    wanted = counts()
    tasks: list[_Task] = [
        (str(folder), domain, name, number)
        for domain, classes in wanted.items()
        for name, number in classes.items()
    ]
    total = sum(task[3] for task in tasks)
    done = 0

    def report(task: _Task) -> None:
        nonlocal done
        done += task[3]
        if progress is not None:
            progress(done, total)

    remaining = set(tasks)
    if processes > 1:
        try:
            # Spawned, not forked: the caller may hold threads or a GPU that a fork would break.
            context = multiprocessing.get_context("spawn")
            pool = ProcessPoolExecutor(
                min(processes, len(tasks)), mp_context=context, initializer=_follow_parent
            )
            try:
                waiting = {pool.submit(_write_class, task): task for task in tasks}
                for finished in as_completed(waiting):
                    finished.result()
                    remaining.discard(waiting[finished])
                    report(waiting[finished])
            finally:
                # Not a `with` block: that would first draw all the rest after a Ctrl-C.
                pool.shutdown(cancel_futures=True)
        except BrokenProcessPool:
            # Typed at a prompt, or from a script without a main guard, children cannot start.
            pass
    for task in tasks:
        if task in remaining:
            _write_class(task)
            report(task)
    marker = {
        "version": GENERATOR_VERSION,
        "synthetic": True,
        "counts": wanted,
        "sha256": _digest(folder),
    }
    (folder / MARKER).write_text(json.dumps(marker, indent=1) + "\n", encoding="utf-8")


def _write_class(task: _Task) -> None:
    folder, domain, name, number = task
    target = Path(folder, domain, name)
    target.mkdir(parents=True, exist_ok=True)
    for index in range(number):
        path = target / f"{index + 1:04d}.jpg"
        draw(domain, name, index).save(path, "JPEG", quality=JPEG_QUALITY, subsampling=0)


def _follow_parent() -> None:
    """Ends this child when its parent is killed; the pool itself would wait for work for ever."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _digest(folder: Path) -> str:
    total = hashlib.sha256()
    images = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.jpg")}
    for relative in sorted(images):
        total.update(images[relative].read_bytes())
    return total.hexdigest()


def _is_complete(root: Path) -> bool:
    try:
        marker = json.loads((root / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    wanted = counts()
    named = marker if isinstance(marker, dict) else {}
    if named.get("version") != GENERATOR_VERSION or named.get("counts") != wanted:
        return False
    return all(
        sum(1 for _ in (root / domain / name).glob("*.jpg")) == number
        for domain, classes in wanted.items()
        for name, number in classes.items()
    )


def _move_in(scratch: Path, root: Path) -> None:
    """Gives the finished folder its name, unless another process was first."""
    while not _is_complete(root):
        try:
            scratch.rename(root)
            return
        except OSError:
            if not root.exists():
                raise
        # An older or damaged set is in the way: it leaves in one step too.
        aside = Path(tempfile.mkdtemp(prefix=_prefix(root), dir=root.parent))
        try:
            root.rename(aside / "old")
        except FileNotFoundError:
            pass
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def _sweep(root: Path) -> None:
    # Leftovers of killed calls; a recent one may belong to a call that is still drawing.
    for old in root.parent.glob(_prefix(root) + "*"):
        try:
            if time.time() - old.stat().st_mtime > STALE_SECONDS:
                shutil.rmtree(old, ignore_errors=True)
        except FileNotFoundError:
            continue


def _prefix(root: Path) -> str:
    return f".{root.name}.making-"


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
