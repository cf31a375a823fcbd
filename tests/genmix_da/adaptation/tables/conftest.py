"""Tables of runs of a fraction of a second."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

# Runs of a fraction of a second whose scores still differ from method to method and seed to seed.
QUICK = (
    *("--backbone", "timm:test_efficientnet", "--weights", "none", "--image-size", "32"),
    *("--batch-size", "8", "--source-epochs", "4", "--source-lr", "0.05"),
    *("--source-backbone-factor", "1", "--device", "cpu", "--split", "3/1/2"),
    *("--epochs", "1", "--threshold", "0.85", "--lr", "0.01", "--cluster-estimator", "features"),
    *("--editor", "filters", "--features", "off", "--edit-size", "32", "--per-image", "1"),
)


@pytest.fixture(scope="session")
def quick(data: Path) -> tuple[object, ...]:
    """`table` and its options but for pairs, methods, seeds and out."""
    return ("table", "--data", data, *QUICK)


@pytest.fixture(scope="session")
def numbers() -> Callable[[Path], list[dict[str, str]]]:
    """Reads table.csv without the column that says how the table was made."""

    def read(folder: Path) -> list[dict[str, str]]:
        with (folder / "table.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        return [{key: value for key, value in row.items() if key != "provenance"} for row in rows]

    return read


@pytest.fixture(scope="session")
def make_table(
    quick: tuple[object, ...], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Path]:
    """Makes a table in this process with a cache of its own, for fixtures that many tests read."""
    from genmix_da.cli import main

    def make(*options: object) -> Path:
        folder = tmp_path_factory.mktemp("table") / "table"
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("GENMIX_DA_CACHE", str(folder.parent / "cache"))
            arguments = [*quick, "--out", folder, *options]
            assert main([str(argument) for argument in arguments]) == 0
        return folder

    return make


@pytest.fixture(scope="session")
def whole(make_table: Callable[..., Path]) -> Path:
    """2 pairs x 3 methods x 2 seeds; to be read, not changed."""
    methods = "source-only,lead,lead+genmix"
    return make_table("--pairs", "Ar2Cl,Ar2Pr", "--methods", methods, "--seeds", "1,2")


ONE_PAIR = ("--pairs", "Ar2Cl", "--methods", "source-only,lead,lead+genmix", "--seeds", "1,2")


@pytest.fixture
def half(
    one_cache: None, table: Callable[..., Any], whole: Path, numbers: Callable, tmp_path: Path
) -> Callable[..., None]:
    """Makes the first pair of `whole` in another way, with its cache; the numbers must be equal.

    Of the methods that later options leave.
    """

    def check(*options: object) -> None:
        outcome = table(*ONE_PAIR, *options, "--out", tmp_path / "out")
        assert outcome.code == 0, outcome.err
        own, expected = (
            [row for row in numbers(folder) if row["pair"] == "Ar2Cl" and row["source"] == "runs"]
            for folder in (tmp_path / "out", whole)
        )
        assert len(own) > 20
        made = {row["method"] for row in own}
        assert own == [row for row in expected if row["method"] in made]

    return check


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    """The same, to be changed."""
    return shutil.copytree(whole, tmp_path / "copy")


@pytest.fixture
def one_cache(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Images are decoded and edited once for all these tests."""
    monkeypatch.setenv("GENMIX_DA_CACHE", str(whole.parent / "cache"))


@pytest.fixture
def table(run: Callable[..., Any], quick: tuple[object, ...]) -> Callable[..., Any]:
    """`genmix-da table` with the quick settings; later options win."""
    return lambda *options: run(*quick, *options)


@pytest.fixture(scope="session")
def headline(
    numbers: Callable[[Path], list[dict[str, str]]],
) -> Callable[[Path], dict[tuple[str, str], str]]:
    """(method, column) -> state, in the headline table of the last epoch."""

    def read(folder: Path) -> dict[tuple[str, str], str]:
        place = {"block": "last", "metric": "h_score", "source": "runs"}
        rows = [row for row in numbers(folder) if place.items() <= row.items()]
        return {(row["method"], row["pair"]): row["state"] for row in rows}

    return read
