"""Killed at any moment, the run ends, resumed, with the bytes of one that never was."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import genmix_da.augment
import genmix_da.augment.editors.filters  # forked runs then begin with their work
import genmix_da.augment.pipeline
import genmix_da.cli.augment
from genmix_da.augment.features import backbone_encoder
from killed import KILLED, ForkedRun, needs_fork

KILLS = 20
COUNT = 20  # images of each class
WITHOUT, WITH = ("--features", "off"), ("--features", "backbone")


@pytest.fixture(scope="module")
def source(photos: Callable, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return photos(tmp_path_factory.mktemp("kill") / "in", COUNT)


@pytest.fixture
def small_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """--features backbone is a small network of random weights, the same in every child."""
    torch.manual_seed(0)
    name = "timm:test_efficientnet"
    encoder = backbone_encoder(name, "none", {}, 32, torch.device("cpu"))
    monkeypatch.setattr(
        genmix_da.augment,
        "resolve_encoder",
        lambda features, **rest: None if features == "off" else encoder,
    )


def augment(cache: Path, *arguments: object) -> ForkedRun:
    return ForkedRun(cache, "augment", *arguments)


@needs_fork
@pytest.mark.parametrize("features", [WITHOUT, WITH], ids=lambda value: value[1])
def test_twenty_kills_and_a_resume_equal_an_uninterrupted_run(
    source: Path, tmp_path: Path, tree_of: Callable, small_encoder: None, features: tuple[str, ...]
) -> None:
    options = (*features, "--edit-size", 40, "--per-image", 4)
    started = time.monotonic()
    assert augment(tmp_path / "one cache", source, tmp_path / "whole", *options).wait() == 0
    whole = time.monotonic() - started
    whole_tree = tree_of(tmp_path / "whole")
    assert len(whole_tree) > 2 * COUNT
    draw, killed, seen = random.Random(7), 0, []
    arguments = (source, tmp_path / "out", *options, "--resume")
    for _ in range(KILLS):
        run = augment(tmp_path / "other cache", *arguments)
        run.wait(draw.uniform(0, 0.2 * whole))
        killed += run.kill() == KILLED
        seen.append(sum(len(list(tmp_path.glob(f"{own}/**/*.jpg"))) for own in ("ot*", "out")))
    assert killed >= KILLS // 2  # the others had nothing left to do
    assert len(set(seen)) >= 4  # and at different states of the work
    assert augment(tmp_path / "other cache", *arguments).wait() == 0
    assert tree_of(tmp_path / "out") == whole_tree


@needs_fork
def test_two_runs_fill_one_cache_at_once(
    source: Path, tmp_path: Path, tree_of: Callable, small_encoder: None
) -> None:
    options = ("--features", "off", "--edit-size", 40)
    assert augment(tmp_path / "own", source, tmp_path / "alone", *options).wait() == 0
    together = [
        augment(tmp_path / "shared", source, tmp_path / f"out{n}", *options) for n in range(2)
    ]
    assert [run.wait() for run in together] == [0, 0]
    expected = tree_of(tmp_path / "alone")
    assert tree_of(tmp_path / "out0") == tree_of(tmp_path / "out1") == expected
    stores = [
        {p.name: p.read_bytes() for p in (tmp_path / n / "edits").rglob("*.*")}
        for n in ("own", "shared")
    ]
    assert stores[0] == stores[1]


MEASURE = """
import resource, sys
import cv2
import numpy as np
from pathlib import Path
from genmix_da.augment import AugmentSettings, augment_folder
from genmix_da.augment.editors import EDITORS
from genmix_da.augment.editors.filters import FilterEditor

class Inverts(FilterEditor):
    def edit(self, images, prompts, seeds):
        return [image // 2 + 60 for image in images]

class Mean:
    name = identity = "mean"
    def encode(self, images):
        return np.stack([cv2.resize(i, (4, 4)).ravel().astype(np.float32) + 1 for i in images])

EDITORS["filters"] = Inverts
folder, count = Path(sys.argv[1]), int(sys.argv[2])
(folder / "in" / "cup").mkdir(parents=True)
draw = np.random.default_rng(0)
for number in range(count):
    pixels = cv2.resize(draw.integers(0, 256, (9, 9, 3), dtype=np.uint8), (384, 384))
    cv2.imwrite(str(folder / "in" / "cup" / f"{number}.jpg"), pixels)
s = AugmentSettings(size=384, fractal_lambda=0.0)
done = augment_folder(folder / "in", folder / "out", s, encoder=Mean())
assert done.written > count
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ru_maxrss in KiB")
def test_memory_does_not_grow_with_the_data(tmp_path: Path) -> None:
    peaks = []
    for count in (10, 70):
        # Pictures of 60 images and their edits, were they kept, would take 80 MB.
        done = subprocess.run(
            [sys.executable, "-c", MEASURE, str(tmp_path / str(count)), str(count)],
            env=os.environ | {"GENMIX_DA_CACHE": str(tmp_path / f"cache{count}")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        peaks.append(int(done.stdout))
    assert peaks[1] < 1.1 * peaks[0]
