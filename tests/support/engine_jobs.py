"""Jobs for the tests of engines: small, in a module that worker processes can import."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from genmix_da.errors import UserError


@dataclass(frozen=True)
class Job:
    """One thing to do; every attempt leaves a line in `<folder>/<key>`.

    Attributes:
        key: names the job.
        do: what it does; see `work`.
        folder: for files.
        argument: of it.
    """

    key: str
    do: str
    folder: Path
    argument: str = ""

    @property
    def label(self) -> str:
        return f"job {self.key}"


def attempts(job: Job) -> int:
    """How often a job was begun."""
    file = job.folder / job.key
    return len(file.read_text().splitlines()) if file.exists() else 0


def pid(job: Job) -> int:
    """The process of a job's last attempt."""
    return int((job.folder / job.key).read_text().splitlines()[-1])


def work(job: Job) -> object:
    """Do a job."""
    with (job.folder / job.key).open("a") as file:
        file.write(f"{os.getpid()}\n")
    if job.do == "sleep":
        time.sleep(float(job.argument or 0))
    elif job.do == "say":
        print("this must not reach standard output")
        logging.getLogger("genmix_da.job").warning("a warning of %s", job.key)
        logging.getLogger("genmix_da.job").info("nothing to see")
    elif job.do == "raise":
        raise ValueError(f"bad number {job.argument}\nand more lines")
    elif job.do == "mistake":
        raise UserError(job.argument)
    elif job.do == "exit":
        sys.exit(3)
    elif job.do == "die":  # once, or as often as it is tried
        if job.argument != "once" or attempts(job) == 1:
            os.kill(os.getpid(), signal.SIGKILL)
    elif job.do == "threads":
        import torch

        found = {"torch": torch.get_num_threads(), "omp": os.environ["OMP_NUM_THREADS"]}
        (job.folder / "threads").write_text(str(found))
    elif job.do == "child":  # leaves its process id, as a data loader of a training run would
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        (job.folder / "child").write_text(str(child.pid))
        time.sleep(60)
    elif job.do == "give":
        return {"argument": job.argument}
    else:
        raise AssertionError(job.do)
    return None
