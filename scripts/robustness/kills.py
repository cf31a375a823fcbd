"""Kill `adapt`, `augment`, `table` and `classify train` at random moments, go on, and compare.

Every kill is a kill -9 of a command on small drawn images, in a folder of its own; the same command
(with --resume where there is one) then has to leave the bytes and numbers of a run that was never
interrupted. Prints a table; exit code 1 where something differs. Needs fork: Linux or macOS.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

import torch  # noqa: E402

import tiny_runs  # noqa: E402
from kills import KINDS, Tally, kill_and_resume  # noqa: E402
from small_data import write_data  # noqa: E402


def main() -> int:
    """Run the kills; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=100, help="in all [100]")
    parser.add_argument("--seed", type=int, default=0, help="of the moments [0]")
    options = parser.parse_args()
    torch.set_num_threads(1)
    draw, tallies = random.Random(options.seed), {}
    shares = [
        options.kills // len(KINDS) + (n < options.kills % len(KINDS)) for n in range(len(KINDS))
    ]
    with tempfile.TemporaryDirectory() as folder, tiny_runs.few_small_fractals():
        data = write_data(Path(folder) / "data")
        for (name, kind), share in zip(KINDS.items(), shares, strict=True):
            started, tally = time.monotonic(), Tally()
            for tally in kill_and_resume(kind, data, Path(folder) / "work", share, draw):
                print(f"\r{name}: {tally.kills} of {share}", end="", file=sys.stderr, flush=True)
            print(f" in {time.monotonic() - started:.0f} s", file=sys.stderr)
            tallies[name] = tally
    print("| command | kills | different states of its folder | compared | unequal |")
    print("| --- | --- | --- | --- | --- |")
    for name, tally in tallies.items():
        print(
            f"| `{name}` | {tally.kills} | {len(tally.states)} | {KINDS[name].compared} "
            f"({tally.things} things) | {len(tally.unequal)} |"
        )
    for name, tally in tallies.items():
        for moment, wrong in tally.unequal:
            print(f"{name}, killed after {moment:.3f} of its time: {', '.join(wrong)}")
    return 1 if any(tally.unequal for tally in tallies.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
