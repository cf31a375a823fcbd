"""Tables of pre-trainings: rows, columns and seeds; what is done is not done again."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
TINY = (
    *("--backbone", "timm:test_efficientnet", "--image-size", "32", "--batch-size", "8"),
    *("--epochs", "1", "--device", "cpu", "--test-fraction", "0.5"),
    *("--editor", "filters", "--features", "off", "--edit-size", "32", "--per-image", "1"),
)


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "runs.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_table(run: Run, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "table"
    given = ("ssl", "table", "--data", f"{data / 'Art'},{data / 'Clipart'}", *TINY, "--out", out)
    first = run(*given, "--methods", "simsiam", "--augments", "none", "--seeds", "1")
    assert first.code == 0, first
    assert "linear probe" in first.out
    assert "other runs in the folder" not in first.out  # pre-trainings are parts of them
    for mark in ("(published)", "'published'"):  # nothing is printed for these images
        assert mark not in first.out
    found = {(row["pair"], row["method"], row["metric"], row["seed"]) for row in rows(out)}
    assert {(pair, "simsiam", "linear", "1") for pair in ("Art", "Clipart")} <= found
    metrics = {metric for _, _, metric, _ in found}
    assert {"linear", "knn", "linear_before", "knn_before"} <= metrics
    record = next((out / "linear_probe" / "Art").glob("*/result.json"))
    held = json.loads(record.read_text())["scores"]["last"]
    (probed,) = json.loads((record.parent / "pretrained" / "probe.json").read_text())[
        "probes"
    ].values()
    assert (held["linear"], held["knn"]) == (probed["trained"]["linear"], probed["trained"]["knn"])
    assert held["linear_before"] == probed["start"]["linear"]
    assert probed["images"] == {"train": 36, "test": 36}
    written = record.stat().st_mtime_ns

    more = run(
        *given, "--methods", "simsiam", "--augments", "none,genmix", "--seeds", "1", "--json"
    )
    assert more.code == 0, more
    assert record.stat().st_mtime_ns == written
    named = {row["method"] for row in rows(out)}
    assert named == {"simsiam", "simsiam+genmix[filters]"}
    differences = json.loads(more.out)["differences"]
    assert any("genmix" in str(difference) for difference in differences)


def test_what_moco_has_alone_is_left_out_of_other_rows(
    run: Run, data: Path, tmp_path: Path
) -> None:
    given = ("ssl", "table", "--data", data / "Art", *TINY, "--out", tmp_path / "table")
    shown = run(*given, "--augments", "none", "--seeds", "1", "--queue", "8", "--dry-run", "--json")
    assert json.loads(shown.out)["run"] == ["Art moco-v2 seed 1", "Art simsiam seed 1"]


def test_a_plan_of_which_nothing_is_done_makes_up_no_time(
    run: Run, data: Path, tmp_path: Path
) -> None:
    """And what is wrong with the images is said once a data set, not once a row."""
    doubled = Path(shutil.copytree(data / "Art", tmp_path / "doubled"))
    one = next(path for path in sorted(doubled.rglob("*")) if path.is_file())
    for number in range(8):  # on both sides of any split
        one.with_name(f"again{number}{one.suffix}").write_bytes(one.read_bytes())
    given = ("ssl", "table", "--data", doubled, *TINY, "--out", tmp_path / "table", "--dry-run")
    shown = run(*given, "--augments", "none,genmix", "--seeds", "1")
    assert shown.code == 0, shown
    assert "said once a run of it is done" in shown.out and "hours" not in shown.out
    assert (shown.err + shown.out).count("the scores say too much") == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--methods", "simclr"), "no method 'simclr'"),
        (("--augments", "genmx"), "did you mean 'genmix'"),
        (("--methods", "simsiam,simsiam"), "--methods names one twice"),
        (("--seeds", "x"), "--seeds: 'x' is no whole number"),
        (("--methods", "simsiam", "--queue", "8"), "--queue is of --method moco-v2 alone"),
        (("--batch-size", "1000"), "fewer than a batch of 1000"),
        (("--shots", "0"), "--shots is 0"),
    ],
)
def test_refused(
    run: Run,
    complaint: Callable[[Any], str],
    data: Path,
    tmp_path: Path,
    options: tuple[str, ...],
    said: str,
) -> None:
    given = ("ssl", "table", "--data", data / "Art", *TINY, "--out", tmp_path / "table")
    assert said in complaint(run(*given, *options))


def test_another_split_seed_is_another_run(run: Run, data: Path, tmp_path: Path) -> None:
    """With test images of their own it decides nothing but what the probe chooses a penalty on."""
    given = ("ssl", "table", "--data", data / "Art", "--test-data", data / "Clipart", *TINY)
    given += ("--methods", "simsiam", "--augments", "none", "--seeds", "1")
    identities = []
    for number, seed in enumerate(((), ("--split-seed", "0"), ("--split-seed", "5"))):
        out = tmp_path / str(number)
        done = run(*given, *seed, "--out", out)
        assert done.code == 0, done
        identities.append(rows(out)[0]["identity"])
    assert identities[0] == identities[1] != identities[2]
