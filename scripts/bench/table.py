"""Cost of a table: engines against each other, and planning and reading many runs.

    python scripts/bench/table.py [--parts engines records] [--json FILE]

engines  wall time of the whole command for one small table of Mini Office-Home, `--engine
         workers:2` and `--engine ray` divided by `local` with two threads. Each engine writes a
         fresh folder; decoded images are shared. Where the system lets it, all are held to the same
         two cores. Workers and Ray pay for starting processes, which matters less in a real table.
records  seconds for planning, reading, summarising and writing a table of 10,000 made-up records.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from genmix_da.adaptation.tables.plan import Plan, Run, make_plan
from genmix_da.adaptation.tables.request import build_request
from genmix_da.runs.seal import seal
from genmix_da.tables.files import write_tables
from genmix_da.tables.records import read_records
from genmix_da.tables.summary import summarise

ENGINES = ("local", "workers:2", "ray")
CORES = 2
RAY_MISSING = "Ray is not installed, so that it was left out: pip install 'genmix-da[ray]'"
METHODS = "source-only,lead,lead+genmix"
SETTINGS = "opda,osda,pda"
SCORES = ("known_accuracy", "unknown_accuracy", "accuracy", "auroc", "oscr", "nmi", "h3_score")

T = TypeVar("T")


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What a function returns, and its seconds."""
    started = time.perf_counter()
    result = work()
    return result, time.perf_counter() - started


def hold_to_cores(count: int) -> bool:
    """Hold this process and its children to a few cores; False where the system cannot."""
    if not hasattr(os, "sched_setaffinity"):
        return False
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])
    return True


def table_command(options: argparse.Namespace, engine: str, out: Path) -> list[str]:
    """The table without augmentation: the first engine would make the others' edits."""
    return [
        *(sys.executable, "-m", "genmix_da", "table", "--engine", engine, "--out", str(out)),
        *(("--ray-address", "local") if engine == "ray" else ()),
        *("--pairs", options.pairs, "--seeds", options.seeds, "--methods", "source-only,lead"),
        *("--image-size", str(options.image_size), "--epochs", str(options.epochs)),
        *("--source-epochs", str(options.source_epochs), "--device", "cpu"),
    ]


def engine_seconds(options: argparse.Namespace) -> dict[str, list[float]]:
    """Engine -> seconds of each repeat; engines take turns."""
    environment = {name: text for name, text in os.environ.items() if name != "GENMIX_DA_DATA"}
    environment |= {"OMP_NUM_THREADS": str(CORES), "MKL_NUM_THREADS": str(CORES)}
    has_ray = importlib.util.find_spec("ray") is not None
    engines = [name for name in ENGINES if name != "ray" or has_ray]
    seconds: dict[str, list[float]] = {name: [] for name in engines}

    def run(command: list[str]) -> float:
        started = time.perf_counter()
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
        return time.perf_counter() - started

    with tempfile.TemporaryDirectory() as name:
        run([*table_command(options, "local", Path(name) / "plan"), "--dry-run"])  # decodes
        for repeat in range(options.repeats):
            for engine in engines:
                out = Path(name) / f"{engine.replace(':', '-')}-{repeat}"
                seconds[engine].append(run(table_command(options, engine, out)))
                print(f"{engine}: {seconds[engine][-1]:.1f} s", file=sys.stderr)
    return seconds


def made_up(run: Run, draw: random.Random) -> dict[str, Any]:
    """A record like one that this run would write, with drawn scores."""
    task, wanted = run.task, run.wanted
    config = dataclasses.asdict(task.config) | {"seed": wanted.seed}

    def block(epoch: int) -> dict[str, Any]:
        closed = ("unknown_accuracy", "nmi", "h3_score") if wanted.setting == "pda" else ()
        scores = {name: None if name in closed else draw.random() for name in SCORES}
        return {"h_score": None if closed else draw.random(), **scores, "epoch": epoch}

    augmented = {"editor": "filters", "stand_in": True} if config["augment"] != "none" else None
    return {
        "schema": 1,
        "identity": wanted.identity,
        "status": "done",
        "reason": None,
        "dataset": task.dataset,
        "synthetic": task.synthetic,
        "setting": wanted.setting,
        "source": wanted.source,
        "target": wanted.target,
        "method": wanted.method,
        "augment": augmented,
        "backbone": config["backbone"],
        "seed": wanted.seed,
        "split": list(task.label_sets.counts),
        "threshold": config["threshold"],
        "scores": {"last": block(10), "selected": block(7), "oracle": block(4)},
        "source_only": block(0),
        "images": {"source": len(task.source.rows), "target": len(task.target.rows)},
        "skipped_files": [],
        "timing": {"seconds": {"source": 30.0, "target_train": 20.0, "target_evaluate": 2.0}},
        "provenance": {
            "packages": {"python": "3.12.0", "genmix-da": "0.1.0", "torch": "2.9.0"},
            "git_commit": "0" * 40,
            "command": ["genmix-da", "table", "--setting", SETTINGS, "--methods", METHODS],
            "config": config | {"label_sets": dataclasses.asdict(task.label_sets)},
            "data": {
                "source": task.source.decoded.fingerprint,
                "target": task.target.decoded.fingerprint,
            },
        },
    }


def write_records(plan: Plan) -> int:
    """Write the record of every run of a plan; the bytes of all."""
    draw, size = random.Random(0), 0
    for run in plan.runs:
        file = Path(run.job.root) / run.job.out / "result.json"
        file.parent.mkdir(parents=True)
        text = json.dumps(seal(made_up(run, draw)), indent=2)
        file.write_text(text)
        size += len(text)
    return size


def record_seconds(count: int) -> dict[str, float]:
    """Seconds of each step with at least this many records, and their number and size."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "table"
        # The lists are those of the command line; Mini Office-Home has twelve pairs.
        options = {"setting": SETTINGS, "genmix": {"editor": "filters", "features": "off"}}
        options["graph"] = False  # a made-up record has no such step
        request = build_request(options, "all", METHODS, "1", str(root))
        runs = len(request.pairs) * len(request.settings) * len(request.methods)
        make_plan(request, [])  # decodes what is not yet decoded
        seeds = tuple(range(1, math.ceil(count / runs) + 1))
        request = dataclasses.replace(request, seeds=seeds)
        plan, empty = timed(lambda: make_plan(request, []))
        size = write_records(plan)
        (records, problems), reading = timed(lambda: read_records(root))
        full, planning = timed(lambda: make_plan(request, records))
        if problems or any(full.missing.values()):
            raise SystemExit("the made-up records are not what the plan wants")
        summary, summing = timed(
            lambda: summarise(full.wanted, records, problems, command=["bench"], root=root)
        )
        if any(run.state != "done" for run in summary.runs):
            raise SystemExit("not every made-up record was used")
        _, writing = timed(lambda: write_tables(root, summary))
    return {
        "records": len(records),
        "mebibytes": size / 2**20,
        "plan, empty folder": empty,
        "read_records": reading,
        "plan, all done": planning,
        "summarise": summing,
        "write_tables": writing,
    }


def show_engines(seconds: dict[str, list[float]], held: bool) -> None:
    """Print part engines."""
    base = statistics.median(seconds["local"])
    print(f"\n| engine{'' if held else ' (not held to two cores)'} | seconds | divided by local |")
    print("| --- | --- | --- |")
    for engine, values in seconds.items():
        median = statistics.median(values)
        print(f"| {engine} | {median:.1f} | {median / base:.2f} |")
    if "ray" not in seconds:
        print(f"\n{RAY_MISSING}.")


def show_records(found: dict[str, float]) -> None:
    """Print part records."""
    print(f"\n| {found['records']:,} records, {found['mebibytes']:.0f} MiB | seconds |")
    print("| --- | --- |")
    for step, value in found.items():
        if step not in ("records", "mebibytes"):
            print(f"| {step} | {value:.2f} |")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", nargs="+", default=["engines", "records"])
    parser.add_argument("--pairs", default="Ar2Cl,Cl2Ar", help="of the small table")
    parser.add_argument("--seeds", default="1,2")
    parser.add_argument("--image-size", type=int, default=32)
    parser.add_argument("--source-epochs", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--json", type=Path, help="file for the same numbers as JSON")
    options = parser.parse_args()
    if unknown := set(options.parts) - {"engines", "records"}:
        parser.error(f"no part {', '.join(sorted(unknown))}; there are: engines, records")
    results: dict[str, Any] = {}
    if "records" in options.parts:
        results["records"] = record_seconds(options.records)
        show_records(results["records"])
    if "engines" in options.parts:
        held = hold_to_cores(CORES)
        results["engines"] = engine_seconds(options)
        show_engines(results["engines"], held)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
