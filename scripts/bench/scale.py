"""Time and memory of every stage at growing numbers of target images, with the fitted exponent.

    OMP_NUM_THREADS=1 python scripts/bench/scale.py --photos OFFICE_CALTECH10/Amazon --work FOLDER
        [--sizes 1000,10000,100000] [--parts frozen,again,trained,predict,augment] [--out FILE.csv]

Photographs are cropped and shrunk at random to JPEGs of 64 pixels, as many as asked for, in class
folders; a domain of 1,000 is the source. Every part is one command in a process of its own: a
frozen adaptation with nothing in the cache, the same with everything there, a trained one,
`predict` with the frozen model, and `augment` by filters. The backbone is a tiny one with random
weights at 32 pixels, so that it hides nothing else; a real one adds its own time, which is linear.
One epoch each.

Peak memory is that of the process, and of it what no file stands behind ("anonymous"): mapped files
are pages that the system takes back when it needs them. Linux.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

_SOURCE, _SIDE = 1000, 64
_PARTS = ("frozen", "again", "trained", "predict", "augment")
_NETWORK = ("--backbone", "timm:test_efficientnet", "--weights", "none", "--image-size", "32")
_SHORT = ("--source-epochs", "5", "--epochs", "1", "--augment", "none", "--device", "cpu")


def make_domain(photos: Path, folder: Path, count: int, seed: int) -> None:
    """JPEGs drawn from class folders of photographs, in class folders."""
    if folder.is_dir():
        return
    draw = np.random.default_rng(seed)
    kinds = sorted(path for path in photos.iterdir() if path.is_dir())
    small = {kind.name: [_small(file) for file in sorted(kind.iterdir())[:60]] for kind in kinds}
    made = folder.with_name(f".{folder.name}")
    for name in small:
        (made / name).mkdir(parents=True, exist_ok=True)
    for number in range(count):
        name = kinds[number % len(kinds)].name
        picture = small[name][draw.integers(len(small[name]))]
        side = int(draw.integers(64, 97))
        top, left = draw.integers(0, 97 - side, size=2)
        crop = picture[top : top + side, left : left + side]
        cropped = cv2.resize(crop, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
        lit = np.clip(cropped * draw.uniform(0.8, 1.2) + draw.normal(0, 6), 0, 255)
        cv2.imwrite(str(made / name / f"{number:07}.jpg"), lit.astype(np.uint8))
    made.rename(folder)


def _small(file: Path) -> Any:
    return cv2.resize(cv2.imread(str(file)), (96, 96), interpolation=cv2.INTER_AREA)


def run(*command: object, cache: Path) -> dict[str, float]:
    """Seconds and peak MiB of one `genmix-da` command."""
    environment = os.environ | {"GENMIX_DA_CACHE": str(cache)}
    words = [sys.executable, "-m", "genmix_da", *map(str, command)]
    started = time.perf_counter()
    with subprocess.Popen(
        words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        peak = {"RssAnon": 0, "VmRSS": 0}
        watch = threading.Thread(target=_watch, args=(process, peak))
        watch.start()
        said = process.stderr.read() if process.stderr else ""
        process.wait()
        watch.join()
    if process.returncode:
        raise SystemExit(f"{' '.join(words)}\n{said[-2000:]}")
    return {
        "seconds": time.perf_counter() - started,
        "anonymous_mib": peak["RssAnon"] / 1024,
        "peak_mib": peak["VmRSS"] / 1024,
    }


def _watch(process: subprocess.Popen[str], peak: dict[str, int]) -> None:
    while process.poll() is None:
        try:
            lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        except OSError:
            return
        for line in lines:
            name, _, value = line.partition(":")
            if name in peak:
                peak[name] = max(peak[name], int(value.split()[0]))
        time.sleep(0.05)


def measure(part: str, root: Path, count: int) -> Iterator[dict[str, Any]]:
    """Rows of one part at one size: the whole command, and the stages that it records."""
    cache, domain = root / f"cache-{count}", f"Target{count}"
    out = root / f"runs-{count}" / part
    adapt = ("adapt", "--data", root / "data", "--src", "Source", "--tgt", domain)
    adapt = (*adapt, "--split", "4/2/4", *_NETWORK, *_SHORT, "--out", out)
    command: tuple[object, ...]
    if part in ("frozen", "again"):
        command = (*adapt, "--freeze-backbone")
    elif part == "trained":
        command = (*adapt, "--no-freeze-backbone")
    elif part == "predict":
        command = ("predict", out.with_name("frozen"), root / "data" / domain)
        command = (*command, "--out", out.with_suffix(".csv"))
    else:
        command = ("augment", root / "data" / domain, out, "--editor", "filters")
        command = (*command, "--edit-size", _SIDE, "--features", "off")
    whole = run(*command, cache=cache)
    yield {"part": part, "stage": "all", "images": count} | whole
    if part in ("frozen", "again", "trained"):
        timing = json.loads((out / "result.json").read_text())["timing"]
        for stage, seconds in timing["seconds"].items():
            if seconds:
                yield {"part": part, "stage": stage, "images": count, "seconds": seconds}


def exponents(rows: pd.DataFrame) -> pd.DataFrame:
    """Of each stage: seconds by size, and the slope of their logarithms over all sizes."""
    table = rows.pivot_table(
        index=["part", "stage"], columns="images", values="seconds", sort=False
    )
    slopes = []
    for _, line in table.iterrows():
        known = line.dropna()
        few = len(known) < 2
        slopes.append(float("nan") if few else np.polyfit(np.log(known.index), np.log(known), 1)[0])
    return table.assign(exponent=slopes)


def main() -> None:
    """Measure, print as it comes, and print the table of exponents."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--sizes", default="1000,10000,100000")
    parser.add_argument("--parts", default=",".join(_PARTS))
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    make_domain(given.photos, given.work / "data" / "Source", _SOURCE, 0)
    rows: list[dict[str, Any]] = []
    for count in map(int, given.sizes.split(",")):
        make_domain(given.photos, given.work / "data" / f"Target{count}", count, count)
        for part in given.parts.split(","):
            for row in measure(part, given.work, count):
                rows.append(row)
                print(row, flush=True)
            if given.out:
                pd.DataFrame(rows).to_csv(given.out, index=False, float_format="%.4g")
    print(exponents(pd.DataFrame(rows)).to_string(float_format="%.2f"))


if __name__ == "__main__":
    main()
