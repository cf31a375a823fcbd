"""What a card makes of this package, in ten minutes: one JSON and one Markdown table.

    scripts/gpu_check.sh [--out gpu_check] [--minutes 8] [--tiny]

Four parts, one after another; what is measured is written after each, so that nothing is lost when
time runs out. --tiny, and a machine without a card, run all of it small on the CPU: that it works
is all that this shows.

tests   `pytest -m cuda`: adaptation (trained and frozen), classification, resuming, in mixed
        precision against float32 on the CPU
adapt   an epoch of LEAD against its bare passes, images a second, peak memory
decode  JPEGs of 500 x 375 decoded and resized a second, beside what the epoch takes
edit    InstructPix2Pix: images a second against the stock loop at 512 and 256 px, and the share of
        the card's matrix rate (full model, random weights; speed does not depend on them)
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from genmix_da.data.decode import decode_domain
from genmix_da.data.folders import folder_domain

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
_PARTS = ("tests", "adapt", "decode", "edit")


def call(words: list[str], seconds: float) -> tuple[int | None, str]:
    """Exit code (None: out of time) and what a script prints; where it fails, its complaint too."""
    try:
        done = subprocess.run(
            words, cwd=ROOT, capture_output=True, text=True, timeout=max(seconds, 1)
        )
    except subprocess.TimeoutExpired as error:
        said = error.stdout or b""
        return None, said.decode() if isinstance(said, bytes) else said
    return done.returncode, done.stdout if done.returncode == 0 else done.stdout + done.stderr


def tests(tiny: bool, seconds: float) -> dict[str, Any]:
    """Counts of the tests that need a card; tiny: those that put the CPU in its place."""
    chosen = ["tests/genmix_da/test_half_precision.py"] if tiny else ["-m", "cuda", "tests"]
    code, said = call([sys.executable, "-m", "pytest", "--no-header", *chosen], seconds)
    counts = re.findall(r"\d+ (?:passed|failed|skipped|errors?)", said)
    return {"code": code, "summary": ", ".join(counts) or said[-300:]}


def adapt(tiny: bool, seconds: float) -> dict[str, Any]:
    """Of scripts/bench/adapt.py."""
    size = (
        ["--backbone", "timm:test_efficientnet", "--images", "128", "--image-size", "32"]
        if tiny
        else ["--backbone", "resnet50", "--images", "2048", "--image-size", "224"]
    )
    device = ["--device", "cpu" if tiny else "cuda", "--repeats", "1" if tiny else "3"]
    return scripted("adapt.py", [*size, *device], seconds)


def edit(tiny: bool, seconds: float) -> dict[str, Any]:
    """Of scripts/bench/edit.py."""
    device, minutes = ("cpu", 1.0) if tiny else ("cuda", seconds / 60 * 0.8)
    options = ["--parts", "throughput", "--device", device, "--minutes", f"{minutes:.1f}"]
    return scripted("edit.py", options + (["--model", "tiny"] if tiny else []), seconds)


def scripted(name: str, options: list[str], seconds: float) -> dict[str, Any]:
    """What a benchmark writes, and its end where it fails."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "found.json"
        words = [sys.executable, str(HERE / name), *options, "--json", str(file)]
        code, said = call(words, seconds)
        found = json.loads(file.read_text()) if file.is_file() else {}
    return {"code": code, "found": found, "said": said}


def decode(tiny: bool, seconds: float) -> dict[str, Any]:
    """Images a second out of JPEGs, with all cores."""
    count = 64 if tiny else 2000
    draw = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GENMIX_DA_CACHE"] = f"{folder}/cache"
        for number in range(count):
            path = Path(folder) / "photos" / f"kind{number % 5}" / f"{number}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            coarse = draw.integers(0, 256, (12, 16, 3), dtype=np.uint8)
            cv2.imwrite(str(path), cv2.resize(coarse, (500, 375), interpolation=cv2.INTER_CUBIC))
        domain = folder_domain(Path(folder) / "photos")
        started = time.perf_counter()
        decode_domain(domain, 256, "bilinear")
        took = time.perf_counter() - started
    return {"code": 0, "images_per_s": count / took, "cores": os.cpu_count()}


def write(out: Path, found: dict[str, Any]) -> None:
    """The two files."""
    out.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n")
    lines = [f"# {found['machine']}, torch {found['torch']}", ""]
    if found["tiny"]:
        lines += ["Run small on a CPU: it works, and nothing here is a speed of anything.", ""]
    lines += ["| part | seconds | ended | |", "| --- | --- | --- | --- |"]
    done = [part for part in _PARTS if part in found]
    for part in done:
        values = {k: v for k, v in found[part].items() if k in ("summary", "images_per_s", "cores")}
        ended = {0: "well", None: "out of time"}.get(found[part]["code"], "with an error")
        epoch = found.get("adapt", {}).get("found", {}).get("images_per_s")
        if part == "decode" and epoch:
            values["times what the epoch takes"] = values["images_per_s"] / epoch
        about = ", ".join(f"{k} {v:.4g}" if k != "summary" else v for k, v in values.items())
        lines.append(f"| {part} | {found[part]['seconds']:.0f} | {ended} | {about} |")
    for part in done:
        if said := found[part].get("said", "").strip():
            lines += ["", f"## {part}", "", said if part == "edit" else f"```\n{said}\n```"]
    out.with_suffix(".md").write_text("\n".join(lines) + "\n")


def main() -> int:
    """Run the parts; 1 where one failed or found no time."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("gpu_check"))
    parser.add_argument("--minutes", type=float, default=8.0, help="for all parts")
    parser.add_argument("--tiny", action="store_true", help="small, on the CPU")
    given = parser.parse_args()
    tiny = given.tiny or not torch.cuda.is_available()
    end = time.perf_counter() + 60 * given.minutes
    found: dict[str, Any] = {
        "machine": "CPU" if tiny else torch.cuda.get_device_name(0),
        "torch": torch.__version__,
        "tiny": tiny,
    }
    for part in _PARTS:
        started = time.perf_counter()
        # The last part takes what is left; those before it, no more than a third.
        left = end - started
        share = left if part == _PARTS[-1] else left / 3
        found[part] = globals()[part](tiny, share)
        found[part]["seconds"] = time.perf_counter() - started
        write(given.out, found)
        print(
            f"{part}: {found[part]['seconds']:.0f} s, exit code {found[part]['code']}", flush=True
        )
    print(f"written: {given.out.with_suffix('.json')}, {given.out.with_suffix('.md')}")
    return int(any(found[part]["code"] != 0 for part in _PARTS))


if __name__ == "__main__":
    sys.exit(main())
