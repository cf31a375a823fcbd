"""AO(%): what generating and training take beyond training without augmentation.

    OMP_NUM_THREADS=1 python scripts/bench/classify.py --all --data DATA --steps 40 [--shots 10]
        [--backbone timm:tf_efficientnet_lite0] [--weights packaged] [--image-size 96] [--batch 32]
        [--optimizer sgd] [--methods mixup,genmix:augment_mode=online] [--rounds 3] [--out FILE.csv]

One process; have nothing else running. Round by round every method makes its edits anew (filters),
in a cache of its own, and trains some steps; all methods take turns, so that what changes with the
hour changes for all. T is the generation and --steps times the seconds of a step, AO = (T - T of
none) / T of none in the same round, and the median over rounds is what counts. No round is left
out. Before the first round everyone trains a little: memory is taken, images are decoded, fractals
drawn (once for ever).
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd
from trainees import Trainee, as_they_are, trainee

from genmix_da.classify.config import build_classify_config
from genmix_da.classify.generation import generation_cost
from genmix_da.classify.method import resolve_method, training_images
from genmix_da.classify.tables.variants import parse_variants
from genmix_da.classify.task import ClassifyTask, prepare

PASSES = 4  # over the training images, in a round


def generating(task: ClassifyTask, work: Path) -> float:
    """Seconds that the images of a method take, all of them made now."""
    method = resolve_method(task)
    if method.source is None:
        return 0.0
    shutil.rmtree(work / "cache" / "edits", ignore_errors=True)
    shutil.rmtree(work / "made", ignore_errors=True)
    data = training_images(task, method, work / "made")
    assert data.record is not None
    cost = generation_cost(method.source, task.train.decoded.domain, data.record)
    if cost["made"] != cost["edits"]:
        raise SystemExit("edits were found that this round did not make")
    return float(cost["seconds"])


def rounds(
    tasks: Mapping[str, ClassifyTask], options: argparse.Namespace, work: Path
) -> Iterator[dict[str, str | float]]:
    """A row a method and round: generate (s), step (s), overhead (a fraction)."""
    per_epoch = len(tasks["none"].train.rows) // options.batch
    trainees: dict[str, Trainee] = {}
    for number, (name, task) in enumerate(tasks.items()):
        trainees[name] = trainee(task, per_epoch, work / f"images-{number}")
        trainees[name].cost()
    for number in range(1, options.rounds + 1):
        plain = 0.0
        for name, one in trainees.items():
            seconds = generating(tasks[name], work)
            step = sum(one.cost().wall for _ in range(PASSES)) / (PASSES * per_epoch)
            total = seconds + options.steps * step
            plain = plain or total
            row = {"round": number, "method": name, "generate": seconds, "step": step}
            print(f"round {number}, {name}: {total:.1f} s", file=sys.stderr, flush=True)
            yield row | {"overhead": total / plain - 1}


def summary(rows: pd.DataFrame) -> str:
    """A Markdown table: medians over rounds, and the range of AO."""
    lines = ["| method | generating, s | a step, s | AO(%) | range |"]
    lines.append("| --- | ---: | ---: | ---: | ---: |")
    for method, own in rows.groupby("method", sort=False):
        middle, ao = own.median(numeric_only=True), 100 * own["overhead"]
        lines.append(
            f"| {method} | {middle['generate']:.1f} | {middle['step']:.3f} | {ao.median():.0f} | "
            f"{ao.min():.0f} to {ao.max():.0f} |"
        )
    return "\n".join(lines)


def main(words: Sequence[str]) -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--steps", type=int, required=True, help="of the run that AO is of")
    parser.add_argument("--shots", type=int, default=10)
    parser.add_argument("--backbone", default="timm:tf_efficientnet_lite0")
    parser.add_argument("--weights", default="packaged")
    parser.add_argument("--image-size", type=int, default=96)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--optimizer", default="sgd")
    parser.add_argument("--methods", default=",".join(as_they_are()), help="with settings")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args(words)
    kept = ("data", "shots", "backbone", "weights", "image_size", "optimizer", "steps", "device")
    config = {name: getattr(options, name) for name in kept}
    config |= {"augment": "none", "batch_size": options.batch, "genmix": {"editor": "filters"}}
    with tempfile.TemporaryDirectory() as name:
        os.environ["GENMIX_DA_CACHE"] = str(Path(name) / "cache")
        plain = prepare(build_classify_config(config))
        rivals = [method for method in options.methods.split(",") if method != "none"]
        tasks = {
            variant.text: plain.with_config(**variant.changes(plain.config))
            for variant in parse_variants(",".join(["none", *rivals]))
        }
        rows = []
        for row in rounds(tasks, options, Path(name)):
            rows.append(row)
            if options.out:
                pd.DataFrame(rows).to_csv(options.out, index=False, float_format="%.4g")
    print(summary(pd.DataFrame(rows)))
