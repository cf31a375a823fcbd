"""`genmix-da table`: real runs, as small as they get, and the tables made of them."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genmix_da.frozen.encoder import FrozenEncoder

pytestmark = pytest.mark.usefixtures("one_cache")
PAIRS = ("--pairs", "Ar2Cl,Ar2Pr")
WHOLE = (*PAIRS, "--methods", "source-only,lead,lead+genmix", "--seeds", "1,2")
FILES = ("table.md", "table.csv", "runs.csv", "table.tex", "table.json")


def results(folder: Path) -> dict[tuple[str, str, int], dict[str, Any]]:
    """(method, target, seed) -> what the run wrote."""
    found = {}
    for file in folder.glob("opda/*/*/result.json"):
        content = json.loads(file.read_text())
        found[content["method"], content["target"], content["seed"]] = content
    return found


def times(folder: Path) -> dict[str, int]:
    """When each file was last written, the five files of the table aside."""
    files = (file for file in folder.rglob("*") if file.is_file() and file.parent != folder)
    return {str(file.relative_to(folder)): file.stat().st_mtime_ns for file in files}


def test_numbers_are_those_of_the_runs(whole: Path, numbers: Callable) -> None:
    found = results(whole)
    assert len(found) == 2 * 3 * 2
    assert {name for name in FILES if (whole / name).is_file()} == set(FILES)
    compared = 0
    for row in numbers(whole):
        if row["source"] != "runs" or row["pair"] == "Avg":
            continue
        target = {"Ar2Cl": "Clipart", "Ar2Pr": "Product"}[row["pair"]]
        wanted = []
        for seed in (1, 2):
            # A method and the graph step behind it are two rows of one run.
            method = row["method"].removesuffix("+graph")
            content = found[method, target, seed]
            if method != row["method"]:
                block = content["graph"][row["block"]]
            elif method == "source-only":
                block = content["source_only"]
            else:
                block = content["scores"][row["block"]]
            wanted.append(block[row["metric"]])
        assert row["state"] == "complete"
        assert float(row["mean"]) == pytest.approx(sum(wanted) / 2, abs=1e-12)
        assert float(row["sd"]) == pytest.approx(statistics.stdev(wanted), abs=1e-12)
        compared += 1
    # Methods with and without the graph, pairs, headline in three blocks and five others.
    assert compared == 2 * 3 * 2 * (3 + 5)


def test_average_is_over_pairs(whole: Path, numbers: Callable) -> None:
    found = results(whole)
    for row in numbers(whole):
        place = (row["source"], row["pair"], row["block"], row["metric"])
        if place != ("runs", "Avg", "oracle", "h_score") or row["method"].startswith("source-only"):
            continue
        method = row["method"].removesuffix("+graph")
        part = "scores" if method == row["method"] else "graph"
        by_seed = [
            statistics.fmean(
                found[method, target, seed][part]["oracle"]["h_score"]
                for target in ("Clipart", "Product")
            )
            for seed in (1, 2)
        ]
        assert float(row["mean"]) == pytest.approx(statistics.fmean(by_seed), abs=1e-12)
        assert float(row["sd"]) == pytest.approx(statistics.stdev(by_seed), abs=1e-12)


def test_scores_tell_runs_apart(whole: Path) -> None:
    """Else agreement would say nothing."""
    scores = [content["scores"]["last"]["h_score"] for content in results(whole).values()]
    assert len(set(scores)) > 6
    assert any(0 < score < 1 for score in scores)


def test_again_does_nothing(table: Callable, copy: Path) -> None:
    before, csv_text = times(copy), (copy / "table.csv").read_text()
    again = table(*WHOLE, "--out", copy)
    assert again.code == 0, again.err
    assert times(copy) == before
    assert (copy / "table.csv").read_text() == csv_text
    printed = table(*WHOLE, "--out", copy, "--json").json()
    assert printed == json.loads((copy / "table.json").read_text())
    assert times(copy) == before


def test_another_seed_runs_that_seed_alone(table: Callable, headline: Callable, copy: Path) -> None:
    before = times(copy)
    more = (*PAIRS, "--methods", "source-only,lead", "--seeds", "1,2,3", "--out", copy)
    assert table(*more).code == 0
    after = times(copy)
    assert {name: after[name] for name in before} == before
    made = {Path(name).parts[:3] for name in after if name not in before}
    runs = {parts[2] for parts in made if parts[0] == "opda"}
    assert runs
    assert all("-seed3-" in name for name in runs)
    assert len([parts for parts in made if parts[0] == "opda"]) == 4
    assert len({parts[1] for parts in made if parts[0] == "sources"}) == 1
    assert set(headline(copy).values()) == {"complete"}


def test_dry_run_writes_nothing(table: Callable, copy: Path, tmp_path: Path) -> None:
    out = tmp_path / "none"
    said = table(*WHOLE, "--out", out, "--dry-run")
    assert said.code == 0
    assert not out.exists()
    lines = {line.split()[1]: line for line in said.out.splitlines() if " adapt " in line}
    assert lines["adapt"].split()[3::2] == ["12", "12"]
    assert "hours" in said.out
    before = times(copy) | {name: (copy / name).stat().st_mtime_ns for name in FILES}
    missing = table(*WHOLE, "--out", copy, "--dry-run", "--json").json()
    assert missing == {"edits": [], "data": [], "source": [], "adapt": []}
    assert before == times(copy) | {name: (copy / name).stat().st_mtime_ns for name in FILES}


def test_shards_fill_the_table(
    table: Callable, whole: Path, numbers: Callable, tmp_path: Path
) -> None:
    out = ("--out", tmp_path / "out")
    stages = []
    for _ in range(8):  # as array jobs, one after another
        said = [table(*WHOLE, *out, "--shard", f"{part}/2") for part in (1, 2)]
        assert {one.code for one in said} == {0}, said
        stages += [one.err.splitlines()[-1] for one in said]
        if stages[-2:] == ["nothing is missing"] * 2:
            break
    assert len(stages) == 8, stages
    assert not (tmp_path / "out" / "table.csv").exists()
    assert table(*WHOLE, *out).code == 0
    assert numbers(tmp_path / "out") == numbers(whole)


def test_frozen_backbone_encodes_once(
    table: Callable, headline: Callable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    encoded: list[int] = []
    encode = FrozenEncoder.encode

    def counted(self: FrozenEncoder, views: Any) -> Any:
        encoded.append(len(views) // 6)
        return encode(self, views)

    monkeypatch.setattr(FrozenEncoder, "encode", counted)
    weights = tmp_path / "weights.safetensors"
    _save_weights(weights)
    options = ("--freeze-backbone", "--weights", weights, "--methods", "source-only,lead")
    out = tmp_path / "out"
    assert table(*PAIRS, *options, "--seeds", "1,2", "--out", out).code == 0
    assert sum(encoded) == 48 + 60 + 60  # Art's classes in use, Clipart's, Product's
    shown = {method for method, _ in headline(out)}
    assert shown == {
        f"{name}{step} (frozen)" for name in ("source-only", "lead") for step in ("", "+graph")
    }
    assert table(*PAIRS, *options, "--seeds", "1,2,3", "--out", out).code == 0
    assert sum(encoded) == 48 + 60 + 60


def _save_weights(path: Path) -> None:
    import timm
    from safetensors.torch import save_file

    model = timm.create_model("test_efficientnet", num_classes=0)
    save_file({key: tensor.contiguous() for key, tensor in model.state_dict().items()}, path)


@pytest.mark.slow
def test_workers_give_the_same_table(half: Callable) -> None:
    half("--engine", "workers:2")


def test_the_graph_row_alone_or_left_out(
    table: Callable, headline: Callable, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    options = ("--pairs", "Ar2Cl", "--seeds", "1", "--out", out)
    assert table(*options, "--methods", "lead", "--no-graph").code == 0
    assert {method for method, _ in headline(out)} == {"lead"}
    (before,) = out.glob("opda/*/*/result.json")
    # The same run is given the step; nothing is trained again.
    trained = (before.parent / "checkpoint.safetensors").stat().st_mtime_ns
    assert table(*options, "--methods", "lead+graph").code == 0
    assert {method for method, _ in headline(out)} == {"lead+graph"}
    assert (before.parent / "checkpoint.safetensors").stat().st_mtime_ns == trained
    assert table(*options, "--methods", "lead").code == 0
    assert {method for method, _ in headline(out)} == {"lead", "lead+graph"}
    refused = table(*options, "--methods", "lead+graph", "--no-graph")
    assert refused.code == 2
    assert "--no-graph" in refused.err
