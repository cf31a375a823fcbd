"""Which estimator of C_t "auto" means, and where that is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from genmix_da.adaptation import clusters
from genmix_da.adaptation.clusters import affordable_estimator
from genmix_da.reporting.rerun import table_command

QUICK = ("--split", "3/1/2", "--source-epochs", 1, "--epochs", 1, "--augment", "none")
SAID = "C_t is estimated on features"


@pytest.mark.parametrize(
    ("images", "frozen", "expected"),
    [(10, False, "tsne"), (5000, False, "tsne"), (5001, False, "features"), (10, True, "features")],
)
def test_the_published_one_where_it_is_cheap(images: int, frozen: bool, expected: str) -> None:
    assert affordable_estimator(images, frozen) == expected


def test_a_small_target_has_the_published_one(adapt: Callable, tmp_path: Path) -> None:
    outcome = adapt(*QUICK)
    assert SAID not in outcome.err + outcome.out
    assert recorded(tmp_path) == "tsne"
    result = json.loads((tmp_path / "runs" / "run" / "result.json").read_text())
    assert "--cluster-estimator" not in table_command(result)


def test_a_large_one_switches_and_says_so(
    adapt: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clusters, "TSNE_LIMIT", 30)
    adapt(*QUICK)
    assert SAID in (tmp_path / "runs" / "run" / "log.txt").read_text()
    assert recorded(tmp_path) == "features"


@pytest.mark.parametrize("given", ["tsne", "landmarks", "features"])
def test_one_that_is_named_is_taken(
    adapt: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setattr(clusters, "TSNE_LIMIT", 30)
    adapt(*QUICK, "--cluster-estimator", given)
    assert SAID not in (tmp_path / "runs" / "run" / "log.txt").read_text()
    assert recorded(tmp_path) == given


def test_a_method_without_clusters_says_nothing(
    adapt: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clusters, "TSNE_LIMIT", 30)
    adapt(*QUICK, "--method", "adabn")
    assert SAID not in (tmp_path / "runs" / "run" / "log.txt").read_text()


def recorded(tmp_path: Path) -> str:
    config = yaml.safe_load((tmp_path / "runs" / "run" / "config.yaml").read_text())
    return str(config["cluster_estimator"])
