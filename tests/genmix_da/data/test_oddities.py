"""Targets and classes that a score can't tell much of, and outputs among the images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from genmix_da.data.oddities import warn_of_missing_kinds, warn_of_single_images
from genmix_da.data.root import refuse_inside
from genmix_da.errors import UserError

UNKNOWN = 3


def said(
    caplog: pytest.LogCaptureFixture, labels: list[int], *, open_set: bool = True
) -> list[str]:
    caplog.clear()
    classes = [f"c{label}" for label in labels]
    warn_of_missing_kinds("Art", np.array(labels), classes, UNKNOWN, open_set=open_set)
    return caplog.messages


def test_targets_that_miss_a_kind(caplog: pytest.LogCaptureFixture) -> None:
    assert said(caplog, [0, 0, 1, 1, 3, 3]) == []
    (sentence,) = said(caplog, [0, 0, 1, 1])
    assert sentence.startswith("Art has no image of a target-private class")
    assert said(caplog, [0, 0, 1, 1], open_set=False) == []
    (sentence,) = said(caplog, [3, 3, 3])
    assert sentence.startswith("Art has images of target-private classes alone")
    (sentence,) = said(caplog, [1, 1, 1], open_set=False)
    assert "of one class (c1)" in sentence


def test_classes_of_one_image(caplog: pytest.LogCaptureFixture) -> None:
    warn_of_single_images("Art", ["cup", "cup", "pen"], "train on")
    warn_of_single_images("Art", ["cup", "cap", "pen", "pen"], "score on")
    warn_of_single_images("Art", ["cup"] * 2, "score on")
    assert [message.split(" image")[0] for message in caplog.messages] == [
        "1 class of Art has one",
        "2 classes of Art have one",
    ]
    assert "(e.g. pen)" in caplog.messages[0]


def test_scores_without_unknown_images_are_null(
    adapt: Callable, make_data: Callable, tmp_path: Path
) -> None:
    root = make_data(tmp_path / "d", ("Art", "Clipart"), ("a", "b", "c", "d"), 6)
    for name in ("Clipart/c", "Clipart/d", "Art/d"):
        (root / name).rename(tmp_path / name.replace("/", ""))
    split = tmp_path / "split.yaml"
    split.write_text("shared: [a, b]\nsource_private: [c]\ntarget_private: [d]\n")
    outcome = adapt(
        *("--data", root, "--src", "Art", "--tgt", "Clipart", "--split", split),
        *("--setting", "opda", "--augment", "none", "--image-size", 32, "--batch-size", 4),
        *("--backbone", "timm:test_efficientnet", "--weights", "none"),
        *("--source-epochs", 1, "--epochs", 1, "--out", tmp_path / "run", "--json"),
    )
    assert "Clipart has no image of a target-private class" in outcome.err
    scores = outcome.json()["scores"]["last"]
    assert [scores[name] for name in ("h_score", "auroc", "oscr")] == [None] * 3
    assert scores["known_accuracy"] is not None


@pytest.mark.parametrize("kind", ["new", "empty", "a run", "a link", "beside", "no folder"])
def test_outputs_among_the_images_are_refused(tmp_path: Path, kind: str) -> None:
    data = tmp_path / "data"
    (data / "Art").mkdir(parents=True)
    out = data / "runs" / "one"
    if kind in ("empty", "a run"):
        out.mkdir(parents=True)
    if kind == "a run":
        (out / "config.yaml").touch()
    if kind == "a link":
        (tmp_path / "linked").symlink_to(data)
        out = tmp_path / "linked" / "one"
    if kind == "beside":
        out = tmp_path / "data-runs"
    if kind in ("new", "empty", "a link"):
        with pytest.raises(UserError, match=r"lies in the data folder .* choose another --out"):
            refuse_inside(out, str(data))
    else:
        refuse_inside(out, str(tmp_path / "none.txt" if kind == "no folder" else data))


def test_every_command_refuses_them(
    run: Callable, complaint: Callable, make_data: Callable, tmp_path: Path
) -> None:
    root = make_data(tmp_path / "d", ("Art", "Clipart"), ("a", "b"), 2)
    before = sorted(root.rglob("*"))
    pair = ("--data", root, "--src", "Art", "--tgt", "Clipart")
    for arguments in (
        ("adapt", *pair, "--out", root / "run"),
        ("source", "--data", root, "--src", "Art", "--out", root / "sources"),
        ("table", "--data", root, "--out", root / "table"),
        ("classify", "train", "--data", root / "Art", "--out", root / "Art" / "c"),
        ("classify", "table", "--data", root / "Art", "--out", root / "Art" / "t"),
        ("augment", root / "Art", root / "Art" / "more"),
    ):
        assert "choose another" in complaint(run(*arguments)), arguments
    assert sorted(root.rglob("*")) == before
