"""Which estimator of C_t "auto" means, and where that is said."""

from __future__ import annotations

import itertools
import json
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml
from torch import nn

from genmix_da.adaptation import clusters
from genmix_da.adaptation.clusters import affordable_estimator, multiply_adds, tsne_share
from genmix_da.reporting.rerun import table_command
from lead.backbones import build_backbone

QUICK = ("--split", "3/1/2", "--source-epochs", 1, "--epochs", 1, "--augment", "none")
# Its arithmetic is beyond what t-SNE of 60 images takes, and a run of it takes a second.
LARGER = ("--backbone", "resnet18", "--image-size", 48)
SAID = "C_t is estimated on features"
RESNET50 = 4.09e9  # multiply-adds of an image of 224 pixels


@pytest.mark.parametrize(
    ("images", "arithmetic", "expected"),
    [
        *((images, RESNET50, "tsne") for images in (10, 2427, 4439, 5000)),  # of Office-Home, too
        (5001, RESNET50, "features"),
        *((images, 2.3e6, "features") for images in (100, 1000, 5000)),
        (1000, 7.05e7, "tsne"),
        (5000, 7.05e7, "features"),
        (1000, float("inf"), "tsne"),  # where it could not be counted
        *((images, 0.0, "features") for images in (0, 1000)),
        *((images, None, "features") for images in (10, 5001)),  # frozen
    ],
)
def test_the_published_one_where_it_is_cheap(
    images: int, arithmetic: float | None, expected: str
) -> None:
    assert affordable_estimator(images, arithmetic) == expected


def test_its_share_grows_with_the_images_and_shrinks_with_the_network() -> None:
    shares = [tsne_share(images, 1e8) for images in (100, 1000, 5000)]
    assert shares == sorted(shares)
    assert tsne_share(1000, 2e8) == pytest.approx(shares[1] / 2)


def test_arithmetic_is_that_of_convolutions_and_products() -> None:
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4 * 64, 5)
    )
    assert multiply_adds(net, 8) == 64 * 4 * 27 + 4 * 64 * 5


def test_it_is_that_of_the_published_network() -> None:
    resnet50 = build_backbone("resnet50", weights="none").module
    assert multiply_adds(resnet50, 224) == pytest.approx(RESNET50, rel=0.01)


@pytest.mark.parametrize("size", [7, 9])
def test_it_is_beyond_measure_where_the_network_does_not_run(size: int) -> None:
    class Choosy(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            assert images.shape[-1] == 9
            return images * images.sum().item()  # which has no value on the meta device

    assert multiply_adds(Choosy(), size) == float("inf")


def test_a_tiny_network_switches_and_says_so(adapt: Callable, tmp_path: Path) -> None:
    adapt(*QUICK)
    assert SAID in (tmp_path / "runs" / "run" / "log.txt").read_text()
    assert recorded(tmp_path) == "features"
    assert ("--cluster-estimator", "features") in options(tmp_path)


def test_a_larger_one_has_the_published_one(adapt: Callable, tmp_path: Path) -> None:
    adapt(*QUICK, *LARGER)
    assert SAID not in (tmp_path / "runs" / "run" / "log.txt").read_text()
    assert recorded(tmp_path) == "tsne"
    assert ("--cluster-estimator", "tsne") in options(tmp_path)


def test_a_large_target_switches_and_says_so(
    adapt: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clusters, "TSNE_LIMIT", 30)
    adapt(*QUICK, *LARGER)
    assert SAID in (tmp_path / "runs" / "run" / "log.txt").read_text()
    assert recorded(tmp_path) == "features"


def test_a_run_goes_on_with_what_it_was_begun_with(adapt: Callable, tmp_path: Path) -> None:
    """As of an earlier version, which had t-SNE of small targets behind any network."""
    adapt(*QUICK, "--cluster-estimator", "tsne")
    result = tmp_path / "runs" / "run" / "result.json"
    whole = json.loads(result.read_text())
    assert "add --resume" in adapt(*QUICK).err
    assert adapt(*QUICK, "--resume", "--json").json()["identity"] == whole["identity"]
    result.unlink()  # as if it had been killed
    again = adapt(*QUICK, "--resume", "--json").json()
    assert again["identity"] == whole["identity"]
    assert again["scores"] == whole["scores"]
    assert again["provenance"]["config"] == whole["provenance"]["config"]
    refused = adapt(*QUICK, "--resume", "--cluster-estimator", "features")
    assert "cluster_estimator 'tsne' instead of 'features'" in refused.err


@pytest.mark.parametrize("given", ["tsne", "landmarks", "features"])
def test_one_that_is_named_is_taken(adapt: Callable, tmp_path: Path, given: str) -> None:
    adapt(*QUICK, "--cluster-estimator", given)
    assert SAID not in (tmp_path / "runs" / "run" / "log.txt").read_text()
    assert recorded(tmp_path) == given


def test_a_method_without_clusters_says_nothing(adapt: Callable, tmp_path: Path) -> None:
    adapt(*QUICK, "--method", "adabn")
    assert SAID not in (tmp_path / "runs" / "run" / "log.txt").read_text()


def recorded(tmp_path: Path) -> str:
    config = yaml.safe_load((tmp_path / "runs" / "run" / "config.yaml").read_text())
    return str(config["cluster_estimator"])


def options(tmp_path: Path) -> list[tuple[str, str]]:
    """Of the table that a finished run names: it has the run's own estimator."""
    result = json.loads((tmp_path / "runs" / "run" / "result.json").read_text())
    return list(itertools.pairwise(shlex.split(table_command(result))))
