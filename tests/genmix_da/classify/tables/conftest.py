"""Hand-made records of classifications, and tables of runs of a fraction of a second."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from genmix_da.augment import compose, fractals
from genmix_da.classify.tables.kind import CLASSIFICATION
from genmix_da.runs.seal import seal
from genmix_da.tables.aggregate import Cell, Table
from genmix_da.tables.cells import Wanted
from genmix_da.tables.kinds import register
from genmix_da.tables.records import Record
from genmix_da.tables.summary import Summary, summarise

register(CLASSIFICATION)

Content = dict[str, Any]


def content_of(identity: str, dataset: str, method: str, seed: int, **given: Any) -> Content:
    """Content of a result.json.

    Args:
        identity, dataset, method, seed: of the run.
        **given: top1, fgsm, train and generate (seconds); other fields of the record; and, as
            config, settings that are recorded with it.
    """
    top1, fgsm = given.pop("top1", 0.7), given.pop("fgsm", None)
    seconds = {"generate": given.pop("generate", 0.0), "train": given.pop("train", 10.0)}
    block = {"top1": top1, "top5": 0.9, "fgsm_error": fgsm, "epoch": 9}
    better = {**block, "top1": min(top1 + 0.05, 1.0), "fgsm_error": None, "epoch": 4}
    config = {
        **{"weights": "none", "shots": None, "image_size": 32, "backbone_arguments": {}},
        **{"adversarial": "none", "epsilon": 8 / 255, "seed": seed, "device": "cpu"},
        **{"classes": [f"c{n}" for n in range(10)], "dataset": dataset, "augment": method},
        **given.pop("config", {}),
    }
    content: Content = {
        "schema": 1,
        "identity": identity,
        "status": "done",
        "reason": None,
        "dataset": dataset,
        "synthetic": False,
        "setting": "classification",
        "source": dataset,
        "target": dataset,
        "method": method,
        "augment": None,
        "backbone": "resnet18",
        "seed": seed,
        "scores": {"last": block, "oracle": better, "selected": None},
        "images": {"classes": 10, "train": 100, "val": None, "test": 300},
        "skipped_files": [],
        "timing": {"seconds": seconds},
        "provenance": {
            "packages": {"genmix-da": "0.1.0", "torch": "2.9.0"},
            "git_commit": "a" * 40,
            "config": config,
            "data": {"train": "1" * 64, "val": None, "test": "2" * 64},
        },
    }
    return seal(content | given)


class Bench:
    """Collects wanted runs and their records."""

    def __init__(self) -> None:
        self.wanted: list[Wanted] = []
        self.records: list[Record] = []

    def add(
        self, dataset: str, method: str, seed: int = 1, *, recorded: bool = True, **given: Any
    ) -> None:
        identity = f"{len(self.wanted):016x}"
        self.wanted.append(Wanted(identity, "classification", dataset, dataset, method, seed))
        if recorded:
            content = content_of(identity, dataset, method, seed, **given)
            self.records.append(
                Record(identity, Path(identity), content, content["status"], content["reason"])
            )

    def summary(self) -> Summary:
        return summarise(self.wanted, self.records, command=["genmix-da", "classify", "table"])

    def table(self, metric: str = "top1", block: str = "last") -> Table:
        tables = self.summary().tables
        return next(t for t in tables if (t.metric, t.block) == (metric, block))

    def cell(self, method: str, column: str, metric: str = "top1") -> Cell:
        return next(row for row in self.table(metric).rows if row.method == method).cells[column]


@pytest.fixture
def bench() -> Bench:
    """Empty."""
    return Bench()


QUICK = (
    *("--backbone", "timm:test_efficientnet", "--weights", "none", "--image-size", "32"),
    *("--batch-size", "8", "--steps", "14", "--lr", "0.05", "--device", "cpu"),
    *("--editor", "filters", "--features", "off", "--edit-size", "32", "--per-image", "1"),
)


@pytest.fixture(scope="session")
def quick(data: Path) -> tuple[object, ...]:
    """`classify table` and its options but for data, methods, seeds and out."""
    return ("classify", "table", *QUICK)


@pytest.fixture
def table(run: Callable[..., Any], quick: tuple[object, ...], data: Path) -> Callable[..., Any]:
    """`genmix-da classify table` on Art and Clipart; later options win."""
    both = f"{data / 'Art'},{data / 'Clipart'}"
    return lambda *options: run(*quick, "--data", both, *options)


@pytest.fixture(scope="session")
def rows_of() -> Callable[[Path], list[dict[str, str]]]:
    """Reads table.csv without what differs from one making to the next: command and times."""

    def read(folder: Path) -> list[dict[str, str]]:
        with (folder / "table.csv").open(newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["metric"] != "overhead"]
        return [{key: value for key, value in row.items() if key != "provenance"} for row in rows]

    return read


METHODS = "none,mixup,genmix"


@pytest.fixture(scope="session")
def whole(quick: tuple[object, ...], data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2 data sets x 3 methods x 2 seeds; to be read, not changed. Its cache lies beside it."""
    from genmix_da.cli import main

    folder = tmp_path_factory.mktemp("classify-table") / "table"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENMIX_DA_CACHE", str(folder.parent / "cache"))
        # As the tests have it, which the fixtures of a session come before.
        patch.setattr(compose, "COUNT", 5)
        patch.setattr(fractals, "draw_fractal", partial(fractals.draw_fractal, side=64))
        options: Sequence[object] = (
            *("--data", f"{data / 'Art'},{data / 'Clipart'}", "--methods", METHODS),
            *("--seeds", "1,2", "--out", folder),
        )
        assert main([str(argument) for argument in (*quick, *options)]) == 0
    return folder
