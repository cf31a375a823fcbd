"""Requests to a served model from several clients: how many are lost, and how long they take.

    python scripts/bench/serve.py RUN FOLDER [--requests 1000] [--clients 8]

RUN is a run folder, FOLDER holds photographs. The server is a process of its own on loopback, as
users start it. Every answer has to be the one that `predict` gives on the same photograph. One line
is the time of the bare model on one photograph, in this process: what serving adds is the
difference to it, less the queue of the other clients.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path

import httpx

from genmix_da import load_model
from genmix_da.data.entries import is_image


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run")
    parser.add_argument("folder")
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=8)
    options = parser.parse_args()
    photos = sorted(path for path in Path(options.folder).rglob("*") if is_image(path))[:100]
    model = load_model(options.run, "cpu")
    expected = dict(zip(photos, model.predict(photos, graph=False).predicted, strict=True))
    started = time.perf_counter()
    for photo in photos:
        model.predict(photo, graph=False)
    alone = (time.perf_counter() - started) / len(photos)
    command = ("serve", options.run, "--port", "0", "--device", "cpu")
    process = subprocess.Popen(
        [sys.executable, "-m", "genmix_da", *command], stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    try:
        found = re.match(r"(http://\S+)", process.stderr.readline())
        assert found, "the server did not start"
        contents = {photo: photo.read_bytes() for photo in photos}

        def ask(photo: Path) -> tuple[float, bool]:
            began = time.perf_counter()
            answer = client.post("/predict", files={"files": (photo.name, contents[photo])})
            seconds = time.perf_counter() - began
            answer.raise_for_status()
            (row,) = json.loads(answer.text)["images"]
            return seconds, row["predicted"] == expected[photo]

        with httpx.Client(base_url=found[1], timeout=60) as client:
            ask(photos[0])  # the first waits for the model
            started = time.perf_counter()
            with ThreadPoolExecutor(options.clients) as pool:
                answers = list(pool.map(ask, islice(cycle(photos), options.requests)))
            whole = time.perf_counter() - started
    finally:
        process.terminate()
        process.wait()
    seconds = sorted(each for each, _ in answers)
    same = sum(equal for _, equal in answers)
    print(f"{len(answers)} answers to {options.requests} requests of {options.clients} clients")
    print(f"same class as predict: {same}")
    print(f"requests a second: {len(answers) / whole:.1f}")
    print(f"seconds: median {statistics.median(seconds):.3f}, p95 {percentile(seconds, 95):.3f}")
    print(f"the model alone: {alone:.3f} s a photograph")


def percentile(ordered: list[float], share: float) -> float:
    """The value that `share` percent of sorted values are not above."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share / 100))]


if __name__ == "__main__":
    main()
