"""What users get wrong: one sentence in their own words, exit code 2, nothing begun."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ADAPT = (
    "adapt --data {data} --src Art --tgt Clipart --backbone timm:test_efficientnet --weights none"
)
TABLE = "table --data {data} --out {tmp}/table"
CLASSIFY = "classify train --data {data}/Art --out {tmp}/run"

# What is typed -> what the answer says. {data} holds Art, Clipart and Product; {empty} nothing;
# {flat} images without classes; {run} is a finished run.
MISTAKES = [
    # Names
    ("adpt", "did you mean 'adapt'"),
    ("adapt --src Art --tgt Clipart --backbon x", "--backbon"),
    ("adapt --data {data} --tgt Clipart", "give --src"),
    ("adapt --data {data} --src Art", "give --tgt"),
    ("adapt --data {data} --src Atr --tgt Clipart", "Atr"),
    ("adapt --data {data} --src Art --tgt Art", "Art"),
    ("adapt --data {tmp}/nowhere --src Art --tgt Clipart", "nowhere"),
    ("adapt --data {empty} --src Art --tgt Clipart", "Check --data"),
    ("adapt --data '' --src Art --tgt Clipart", "empty path"),
    (ADAPT + " --setting open", "--setting is 'open'; choose one of opda, osda, pda"),
    (ADAPT + " --method leed", "did you mean 'lead'"),
    (ADAPT + " --method shot-o", "the method shot-o is defined for osda alone"),
    (ADAPT + " --method lead --augment genmix", "leave one of the two out"),
    (ADAPT + " --profile office", "no profile 'office'"),
    (ADAPT + " --part test", "--part"),
    # Classes
    (ADAPT + " --split 3-1-2", "neither S/P/T"),
    (ADAPT + " --split 5/3/2", "5/3/2"),
    (ADAPT + " --split 0/3/3", "share no class"),
    (ADAPT + " --split 3/1/2 --setting pda", "--setting opda"),
    # Numbers
    (ADAPT + " --epochs many", "'many' is not a valid integer"),
    (ADAPT + " --epochs 0", "--epochs is 0; it must be above 0"),
    (ADAPT + " --lr nan", "--lr is nan"),
    (ADAPT + " --lr 1e300", "--lr is 1e+300; it must be at most 1e+38"),
    (ADAPT + " --lambda-psd nan", "--lambda-psd is nan; it must be 0 or more"),
    (ADAPT + " --source-backbone-factor -1", "--source-backbone-factor is -1.0"),
    (ADAPT + " --batch-size 1", "--batch-size is 1; it must be at least 2"),
    (ADAPT + " --threshold 2", "--threshold is 2.0"),
    (ADAPT + " --threshold otsu:7", "--threshold is otsu:7"),
    (ADAPT + " --threshold best", "--threshold is 'best'"),
    (ADAPT + " --seed -1", "--seed is -1; it must be 0 or more"),
    (ADAPT + " --graph-arg alpha=1", "--graph-arg alpha is 1.0"),
    (ADAPT + " --graph-arg neighbors=3", "knows no 'neighbors'"),
    (ADAPT + " --image-size 4000000", "--image-size is 4000000; it must be at most 8192"),
    # GenMix
    (ADAPT + " --augment genmx", "--augment is 'genmx'"),
    (ADAPT + " --editor filter", "did you mean 'filters'"),
    (ADAPT + " --editor filters --guidance 3", "takes no guidance"),
    (ADAPT + " --prompts domian", "did you mean 'domain'"),
    (ADAPT + " --sigmas 0", "--sigmas is 0.0; it must be above 0"),
    (ADAPT + " --lambda 1", "--lambda is 1.0; it must be in [0, 1)"),
    (ADAPT + " --masks diagonal", "no mask 'diagonal'"),
    (ADAPT + " --edit-size 4", "--edit-size is 4; it must be at least 16"),
    (ADAPT + " --edit-size 1000000", "--edit-size is 1000000; it must be at most 8192"),
    (ADAPT + " --augment-seed -2", "--augment-seed is -2; it must be at least 0"),
    # Networks and machines
    (ADAPT + " --backbone-arg plain", "'plain' is not KEY=VALUE"),
    (ADAPT + " --weights {tmp}/no.pth", "check --weights"),
    (ADAPT + " --source-checkpoint {tmp}/no", "check --source-checkpoint"),
    (ADAPT + " --device gpu", "--device is 'gpu'; choose one of auto, cpu, cuda"),
    (ADAPT + " --config {tmp}/no.yaml", "no.yaml"),
    (ADAPT + " --out {data}/runs", "choose another --out"),
    # Tables
    (TABLE + " --pairs Art2Atr", "--pairs"),
    (TABLE + " --methods lead,lead", "--methods names a method twice"),
    (TABLE + " --seeds 1,1", "--seeds names 1 twice"),
    (TABLE + " --engine worker:2", "worker:2"),
    # What was made
    ("evaluate {tmp}/nowhere --tgt Clipart", "no checkpoint"),
    ("evaluate {run} --tgt Clipart --data {data} --threshold 3", "--threshold is 3"),
    ("predict {run} {tmp}/nowhere", "nowhere"),
    ("predict {run} {empty}", "no image under {empty}"),
    ("predict {run} {flat} --out {tmp}/p --probabilities {tmp}/p", "name two files"),
    ("report {empty}", "{empty}"),
    # Class folders
    ("augment {tmp}/nowhere {tmp}/out", "no folder"),
    ("augment {empty} {tmp}/out", "no image"),
    ("augment {flat} {tmp}/out", "no labels"),
    ("augment {data}/Art {tmp}/out --seed -1", "--seed is -1; it must be at least 0"),
    ("preview {data}/Art --images 0 --sheet {tmp}/sheet.png", "--images is 0"),
    ("preview {empty} --sheet {tmp}/sheet.png", "Check SRC"),
    ("data check {tmp}/nowhere", "nowhere"),
    ("data check {empty}", "Check FOLDER"),
    ("editors compare {data}/Art --variants dpm20", "did you mean 'dpm++20'"),
    # Classification
    ("classify train --data {tmp}/nowhere", "nowhere"),
    (CLASSIFY + " --augment mixpu", "did you mean 'mixup'"),
    (CLASSIFY + " --steps 0", "--steps is 0; it must be above 0"),
    (CLASSIFY + " --edit-steps 0", "--edit-steps is 0; it must be at least 1"),
    (CLASSIFY + " --epsilon 8", "give 8/255, not 8"),
    (CLASSIFY + " --split-seed -1", "--split-seed is -1"),
    # Pre-training
    ("ssl train --data {tmp}/nowhere", "nowhere"),
    ("ssl train --data {empty}", "no image under {empty}"),
    ("ssl train --data {data}/Art --out {data}/Art/run", "choose another --out"),
    ("ssl train --data {data}/Art --edit-steps 0", "--edit-steps is 0; it must be at least 1"),
    ("ssl probe {empty} --data {data}/Art", "is no run folder of genmix-da ssl train"),
]


@pytest.fixture
def places(data: Path, finished: Any, tmp_path: Path) -> dict[str, Path]:
    """Name in a line of MISTAKES -> the folder."""
    (tmp_path / "empty").mkdir()
    shutil.copytree(next(path for path in (data / "Art").iterdir()), tmp_path / "flat")
    own = tmp_path / "own"
    return {
        "data": data,
        "run": finished.folder,
        "tmp": own,
        "empty": tmp_path / "empty",
        "flat": tmp_path / "flat",
    }


@pytest.mark.parametrize(("typed", "said"), MISTAKES, ids=range(len(MISTAKES)))
def test_one_sentence(run: Callable, places: dict[str, Path], typed: str, said: str) -> None:
    outcome = run(*shlex.split(typed.format(**places)))
    assert (outcome.code, outcome.out) == (2, "")
    assert "Traceback" not in outcome.err
    last = outcome.err.splitlines()[-1]
    assert last.startswith(("genmix-da: ", "Error: "))
    assert said.format(**places) in last
    assert not places["tmp"].exists()  # nothing was begun
