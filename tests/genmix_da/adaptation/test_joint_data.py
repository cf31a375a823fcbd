"""Methods with source data: how many steps they take, and how earlier runs are told apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from genmix_da.adaptation.config import build_config
from genmix_da.adaptation.identity import run_identity, run_settings
from genmix_da.adaptation.joint_data import total_steps
from genmix_da.adaptation.task import Task, prepare

BATCH, EPOCHS, SOURCE_EPOCHS = 8, 5, 3


def task_of(data: Path, method: str, **options: Any) -> Task:
    given = {"src": "Art", "tgt": "Clipart", "data": data, "split": "3/1/2", "device": "cpu"}
    given |= {"backbone": "timm:test_efficientnet", "weights": "none", "image_size": 32}
    given |= {"batch_size": BATCH, "epochs": EPOCHS, "source_epochs": SOURCE_EPOCHS}
    return prepare(build_config(given | {"method": method} | options, None))


def test_a_method_with_source_data_sees_as_many_images_as_one_without(data: Path) -> None:
    task = task_of(data, "ovanet")
    source, target = len(task.source.rows), len(task.target.rows)
    passed = BATCH * (SOURCE_EPOCHS * (source // BATCH) + EPOCHS * (target // BATCH))
    steps = total_steps(task, source)
    assert 2 * BATCH * (steps - 1) < passed <= 2 * BATCH * steps
    half = task_of(data, "ovanet", method_options={"batch_size": BATCH // 2})
    assert 2 * steps - 1 <= total_steps(half, source) <= 2 * steps
    assert total_steps(task, source, steps_per_epoch=1) < steps


def test_steps_that_are_given_are_taken(data: Path) -> None:
    task = task_of(data, "ovanet", method_options={"steps": 77})
    assert total_steps(task, len(task.source.rows)) == 77


@pytest.mark.parametrize(
    ("method", "options", "recorded"),
    [("ovanet", {}, True), ("ovanet", {"steps": 77}, False), ("lead", {}, False)],
)
def test_runs_of_the_earlier_budget_are_told_apart(
    data: Path, method: str, options: dict[str, int], recorded: bool
) -> None:
    task = task_of(data, method, method_options=options)
    settings = run_settings(task, None)
    assert ("joint_budget" in settings) is recorded
    earlier = {name: value for name, value in settings.items() if name != "joint_budget"}
    assert (run_identity(settings) != run_identity(earlier)) is recorded
