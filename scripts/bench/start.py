"""Seconds from `genmix-da adapt` to its first training step, with everything cached.

Each run is a process of its own that ends where the step begins; the first one fills the caches and
is not counted.

    python scripts/bench/start.py [--runs 5] --src Webcam --tgt Amazon ... (options of adapt)
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

_CHILD = """
import os, sys, time
import torch
def step(*arguments, **options):
    print("STEP", time.time() - float(os.environ["BEGAN"]), flush=True)
    os._exit(0)
torch.optim.SGD.step = step
from genmix_da.cli import main
sys.exit(main(sys.argv[1:]))
"""


def main() -> None:
    """Print the seconds of every run and their median; options it does not know are adapt's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    known, options = parser.parse_known_args()
    seconds = []
    with tempfile.TemporaryDirectory() as work:
        # The source model is trained here, once: a run that finds it steps on the target alone.
        command = ["source", *options, "--out", f"{work}/sources"]
        subprocess.run([sys.executable, "-m", "genmix_da", *command], check=True)
        for number in range(known.runs + 1):
            environment = os.environ | {"BEGAN": str(time.time())}
            child = [
                sys.executable,
                "-c",
                _CHILD,
                "adapt",
                *options,
                "--out",
                f"{work}/run{number}",
            ]
            said = subprocess.run(child, env=environment, capture_output=True, text=True)
            if not said.stdout.startswith("STEP"):
                sys.exit(f"no step: {said.stderr.strip().splitlines()[-1]}")
            seconds.append(float(said.stdout.split()[1]))
    counted = sorted(seconds[1:])
    print(f"filling caches {seconds[0]:.2f} s; then", *(f"{value:.2f}" for value in counted))
    print(f"median {statistics.median(counted):.2f} s")


if __name__ == "__main__":
    main()
